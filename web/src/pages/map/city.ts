/** What the map looks at: its view, what is selected, and what the stream last said. */
import { reactive } from "vue";
import { get } from "../../api";
import { type Found, placeOf } from "../../find/place";
import { refused, session } from "../../session";
import type { Clock, Features, Shapes, Tiles } from "../../stream";
import { api, type Extent } from "./api";
import type { BaseMapInfo } from "./basemap";
import { layers, shownLayers } from "./layers";
import { pace } from "./pace";
import { emptyLayer, keep, type LayerMarkers, take } from "./markers";

export interface Candidate {
  id: string;
  type: string;
  label: string;
}

export interface Place {
  lon: number;
  lat: number;
}

export interface View {
  box: [west: number, south: number, east: number, north: number];
  zoom: number;
}

const asked = new URLSearchParams(location.search);
const motion = matchMedia("(prefers-reduced-motion: reduce)");

export const city = reactive({
  selected: asked.get("entity"),
  candidates: [] as Candidate[],
  found: placeOf(asked.get("place")),
  /** Where the map is to go next. */
  goal: null as { extent: Extent } | { place: Place } | null,
  view: null as View | null,
  connected: true,
  refused: "",
  /** The log's position of the last message. */
  position: 0,
  /** Position at which the shapes of a layer last changed. */
  shapes: {} as Record<string, number>,
  /** Moves with every round of markers. */
  round: 0,
  base: null as BaseMapInfo | null,
});

/** Markers are many: they are kept out of what Vue watches, and `round` tells of them. */
export const markers = new Map<string, LayerMarkers>();

/** Tiles that are watched since the last round; null: no others than before. */
let watched: Set<string> | null = null;

export function takeFeatures(message: Features, still: boolean): void {
  const layer = markers.get(message.layer) ?? emptyLayer();
  markers.set(message.layer, layer);
  take(layer, message, performance.now(), still || motion.matches || pace.slow);
  city.round += 1;
}

export function takeTiles(message: Tiles): void {
  // the watch was taken
  city.refused = "";
  watched = new Set(message.tiles);
}

export function takeShapes(message: Shapes): void {
  city.shapes[message.layer] = message.position;
}

/** A round ends with the clock: all that is watched is there now, the rest is forgotten. */
export function endRound(clock: Clock): void {
  city.position = clock.position;
  if (!watched) return;
  const shown = new Set(shownLayers().map((layer) => layer.key));
  for (const [key, layer] of markers) {
    if (shown.has(key)) keep(layer, watched);
    else markers.delete(key);
  }
  watched = null;
  city.round += 1;
}

/** Why the server does not show what is asked for. A refusal names no layer: all that have words of an expert are marked. */
export function takeRefusal(text: string): void {
  const asking = Object.values(layers.choices).filter((choice) => choice.shown && choice.q.trim());
  for (const choice of asking) choice.refused = text;
  if (!asking.length) city.refused = text;
}

export function select(id: string | null, place?: Place): void {
  city.candidates = [];
  city.found = null;
  city.selected = id;
  if (place) city.goal = { place };
}

export function find(found: Found): void {
  select(null, found);
  city.found = found;
}

export async function zoomTo(types: string[]): Promise<void> {
  const answers = await Promise.allSettled([...new Set(types)].map((type) => api.extent(type)));
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

/** All that is shown; the city's bounds, where its file says them. */
export async function zoomToAll(): Promise<void> {
  if (session.bounds) {
    const [west, south, east, north] = session.bounds;
    city.goal = { extent: { west, south, east, north } };
  } else await zoomTo((shownLayers().length ? shownLayers() : layers.list.filter((layer) => layer.located)).map((layer) => layer.type));
}

/** The city may have none: then lines of longitude and latitude are drawn. */
export async function loadBaseMap(): Promise<void> {
  try {
    city.base = session.basemap ? await get<BaseMapInfo>("/api/v1/basemap") : null;
  } catch (error) {
    refused(error);
  }
}
