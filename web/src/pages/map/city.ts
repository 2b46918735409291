/** What the map shows and where it goes: the types that are shown, what is selected. */
import { reactive, watch } from "vue";
import { preferences } from "../../preferences";
import { session } from "../../session";
import { loadTypes, types, typesByName } from "../../entity/types";
import { api, type Extent } from "./api";

const SHOWN_AT_FIRST = 8;

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
  shown: [] as string[],
  selected: asked.get("entity"),
  candidates: [] as Candidate[],
  /** Where the map is to go next. */
  goal: null as { extent: Extent } | { place: Place } | null,
});

export function toggleType(name: string): void {
  city.shown = city.shown.includes(name) ? city.shown.filter((one) => one !== name) : [...city.shown, name];
}

export function select(id: string | null, place?: Place): void {
  city.candidates = [];
  city.selected = id;
  if (place) city.goal = { place };
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

function placed() {
  return types.value.filter((type) => type.located > 0);
}

export function zoomToAll(): Promise<void> {
  return zoomTo(city.shown.length ? city.shown : placed().map((type) => type.name));
}

function firstShown(): string[] {
  if (askedTypes !== null) return askedTypes.split(",").filter((name) => typesByName.value.has(name));
  return placed().slice(0, SHOWN_AT_FIRST).map((type) => type.name);
}

/** Types come and are counted; the first that have places are shown. */
export async function meetTypes(): Promise<void> {
  const first = !placed().length;
  await loadTypes();
  if (!first || !placed().length) return;
  city.shown = firstShown();
  if (!askedView) await zoomToAll();
}

/** Keep the address such that it can be shared. */
watch(
  () => [city.shown.join(), city.selected, preferences.language, session.phase] as const,
  ([shown, selected, language, phase]) => {
    if (phase !== "ready") return;
    const search = new URLSearchParams({ lang: language });
    if (shown) search.set("types", shown);
    if (selected) search.set("entity", selected);
    history.replaceState(history.state, "", `?${search}${location.hash}`);
  },
);
