/** The types of the city's objects, with their names and colours; asked for once, and again when a page wishes. */
import { computed, shallowRef } from "vue";
import { preferences } from "../preferences";
import { api } from "./api";
import type { TypeInfo } from "./contract";

const LIGHTER = 0.32;
const PALETTE = ["#1f7fb8", "#c2601a", "#2f8f5b", "#8a5fc0", "#b5465f", "#0d8c93", "#9a7b12", "#5b6ee1", "#a8489c", "#5f7f1f"];

export const types = shallowRef<TypeInfo[]>([]);
export const typesByName = computed(() => new Map(types.value.map((type) => [type.name, type])));

export async function loadTypes(): Promise<void> {
  types.value = (await api.types()).sort((a, b) => b.located - a.located || b.count - a.count);
}

export function typeLabel(name: string): string {
  const type = typesByName.value.get(name);
  return (preferences.language === "zh" ? type?.label_zh : type?.label_en) || type?.label_zh || name;
}

/** Types without a colour of their own take one by their name, so that it stays when others come. */
export function colorOf(name: string): string {
  return onGround(typesByName.value.get(name)?.color ?? paletteColor(name));
}

function paletteColor(name: string): string {
  const sum = [...name].reduce((total, letter) => (total * 31 + letter.charCodeAt(0)) % 9973, 7);
  return PALETTE[sum % PALETTE.length] ?? "#1f7fb8";
}

/** On a dark ground colours need more light to be told apart. */
export function onGround(color: string): string {
  if (preferences.theme !== "dark" || !/^#[0-9a-f]{6}$/i.test(color)) return color;
  const parts = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
  return `#${parts.map((part) => Math.round(part + (255 - part) * LIGHTER).toString(16).padStart(2, "0")).join("")}`;
}
