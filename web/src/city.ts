/** What the page knows of the city: its types, what is shown, what is selected, and whether the server answers. */
import { computed, reactive, watch } from "vue";
import { ApiError, api } from "./api";
import type { Extent, TypeInfo } from "./contract";
import { preferences, setToken } from "./preferences";

const POLL_MS = 3_000;
const TYPES_EVERY = 5;
const SHOWN_AT_FIRST = 8;
const LIGHTER = 0.32;
const PALETTE = ["#1f7fb8", "#c2601a", "#2f8f5b", "#8a5fc0", "#b5465f", "#0d8c93", "#9a7b12", "#5b6ee1", "#a8489c", "#5f7f1f"];

export interface Candidate {
  id: string;
  type: string;
  label: string;
}

export interface Place {
  lon: number;
  lat: number;
}

const asked = new URLSearchParams(location.search);
const askedTypes = asked.get("types");
const askedView = location.hash;

export const city = reactive({
  phase: "loading" as "loading" | "ready" | "failed",
  error: null as unknown,
  types: [] as TypeInfo[],
  shown: [] as string[],
  selected: asked.get("entity"),
  candidates: [] as Candidate[],
  position: -1,
  now: "",
  timeZone: "",
  connected: true,
  tokenNeeded: false,
  /** Where the map is to go next. */
  goal: null as { extent: Extent } | { place: Place } | null,
});

export const typesByName = computed(() => new Map(city.types.map((type) => [type.name, type])));

/** Types without a colour of their own take one by their name, so that it stays when others come. */
export function colorOf(name: string): string {
  const own = typesByName.value.get(name)?.color ?? paletteColor(name);
  return preferences.theme === "dark" ? lighter(own) : own;
}

function paletteColor(name: string): string {
  const sum = [...name].reduce((total, letter) => (total * 31 + letter.charCodeAt(0)) % 9973, 7);
  return PALETTE[sum % PALETTE.length] ?? "#1f7fb8";
}

/** On a dark ground colours need more light to be told apart. */
function lighter(color: string): string {
  if (!/^#[0-9a-f]{6}$/i.test(color)) return color;
  const parts = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
  return `#${parts.map((part) => Math.round(part + (255 - part) * LIGHTER).toString(16).padStart(2, "0")).join("")}`;
}

export function toggleType(name: string): void {
  city.shown = city.shown.includes(name) ? city.shown.filter((one) => one !== name) : [...city.shown, name];
}

export function select(id: string | null, place?: Place): void {
  city.candidates = [];
  city.selected = id;
  if (place) city.goal = { place };
}

/** Remember a failed request; true when it was for want of a token. */
export function refused(error: unknown): boolean {
  if (!(error instanceof ApiError) || error.status !== 401) return false;
  city.tokenNeeded = true;
  return true;
}

export async function zoomTo(names: string[]): Promise<void> {
  const answers = await Promise.allSettled(names.map((name) => api.extent(name)));
  const extents = answers.flatMap((answer) => (answer.status === "fulfilled" && answer.value ? [answer.value] : []));
  if (!extents.length) return;
  const extent = {
    west: Math.min(...extents.map((one) => one.west)),
    south: Math.min(...extents.map((one) => one.south)),
    east: Math.max(...extents.map((one) => one.east)),
    north: Math.max(...extents.map((one) => one.north)),
  };
  city.goal = { extent };
}

function placed(): TypeInfo[] {
  return city.types.filter((type) => type.located > 0);
}

export function zoomToAll(): Promise<void> {
  return zoomTo(city.shown.length ? city.shown : placed().map((type) => type.name));
}

function firstShown(): string[] {
  if (askedTypes !== null) return askedTypes.split(",").filter((name) => typesByName.value.has(name));
  return placed().slice(0, SHOWN_AT_FIRST).map((type) => type.name);
}

async function loadTypes(): Promise<void> {
  const first = !placed().length;
  city.types = (await api.types()).sort((a, b) => b.located - a.located || b.count - a.count);
  city.phase = "ready";
  if (!first || !placed().length) return;
  city.shown = firstShown();
  if (!askedView) await zoomToAll();
}

let round = 0;
let typesPosition = -1;

async function poll(): Promise<void> {
  const state = await api.state();
  const due = round % TYPES_EVERY === 0 && state.position !== typesPosition;
  city.now = state.now;
  city.timeZone = state.time_zone ?? "";
  city.connected = true;
  city.tokenNeeded = false;
  if (city.phase !== "ready" || due || !city.types.length) {
    await loadTypes();
    typesPosition = state.position;
  }
  city.position = state.position;
  round += 1;
}

/** Ask for the city's state for as long as the page lives; slower while it is hidden. */
export async function watchCity(): Promise<never> {
  for (;;) {
    if (!document.hidden && !city.tokenNeeded) await pollOnce();
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

export async function pollOnce(): Promise<void> {
  try {
    await poll();
  } catch (error) {
    if (refused(error)) return;
    city.connected = false;
    city.error = error;
    if (city.phase === "loading") city.phase = "failed";
  }
}

export async function signIn(token: string): Promise<boolean> {
  setToken(token);
  round = 0;
  await pollOnce();
  return !city.tokenNeeded;
}

/** Keep the address such that it can be shared. */
watch(
  () => [city.shown.join(), city.selected, preferences.language, city.phase] as const,
  ([shown, selected, language, phase]) => {
    if (phase !== "ready") return;
    const search = new URLSearchParams({ lang: language });
    if (shown) search.set("types", shown);
    if (selected) search.set("entity", selected);
    history.replaceState(history.state, "", `?${search}${location.hash}`);
  },
);
