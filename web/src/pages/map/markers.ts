/** The markers of the map: what the stream said of each layer and tile, and where each is drawn while it glides. */
import type { Features, Value } from "../../stream";

export interface Marker {
  id: string;
  label: string | null;
  value: Value;
  /** Seconds of its last report; null where it has none. */
  at: number | null;
  stale: boolean;
  tile: string;
  /** Where it is, in Mercator's unit square. */
  x: number;
  y: number;
  /** Where it glides from, since when (ms of the page's clock) and for how long. */
  fromX: number;
  fromY: number;
  since: number;
  lasts: number;
  /** Its row among those that are drawn of its layer; -1: it is not drawn. */
  row: number;
}

export interface Cluster {
  lon: number;
  lat: number;
  value: Value;
  count: number;
}

export interface LayerMarkers {
  byId: Map<string, Marker>;
  tiles: Map<string, Set<string>>;
  clusters: Map<string, Cluster[]>;
  /** What changed or went since it was last drawn. */
  touched: Set<Marker>;
  /** Whether clusters did. */
  regrouped: boolean;
}

/** As long as an eye needs to follow, and short against any report's age: the place drawn is soon the place reported. */
const GLIDE_MS = 900;
/** Reports further apart say nothing of the way between them. */
const LONGEST_GAP_S = 120;
/** In Mercator's units at the equator: about 2 km. */
const FURTHEST = 5e-5;

export const mercatorX = (lon: number): number => lon / 360 + 0.5;
export const mercatorY = (lat: number): number => 0.5 - Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360)) / (2 * Math.PI);
export const longitude = (x: number): number => (x - 0.5) * 360;
export const latitude = (y: number): number => (Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) * 180) / Math.PI;

const ease = (part: number) => part * (2 - part);

/** Where a marker is drawn at an instant of the page's clock. */
export function placeAt(marker: Marker, now: number): [x: number, y: number] {
  const part = marker.lasts > 0 ? Math.min(1, (now - marker.since) / marker.lasts) : 1;
  if (part >= 1) return [marker.x, marker.y];
  const eased = ease(part);
  return [marker.fromX + (marker.x - marker.fromX) * eased, marker.fromY + (marker.y - marker.fromY) * eased];
}

export function emptyLayer(): LayerMarkers {
  return { byId: new Map(), tiles: new Map(), clusters: new Map(), touched: new Set(), regrouped: true };
}

function leave(layer: LayerMarkers, marker: Marker): void {
  layer.tiles.get(marker.tile)?.delete(marker.id);
}

function drop(layer: LayerMarkers, id: string, tile: string): void {
  const marker = layer.byId.get(id);
  // it may have moved to another tile, whose message came first
  if (marker?.tile !== tile) return;
  leave(layer, marker);
  layer.byId.delete(id);
  layer.touched.add(marker);
}

function glides(old: Marker, x: number, y: number, at: number | null): boolean {
  const near = Math.abs(x - old.x) < FURTHEST && Math.abs(y - old.y) < FURTHEST;
  return near && at !== null && old.at !== null && at >= old.at && at - old.at <= LONGEST_GAP_S;
}

/** Take a message of the stream; `still`: nothing glides. A marker that is known is changed and not made anew. */
export function take(layer: LayerMarkers, message: Features, now: number, still: boolean): void {
  const { tile } = message;
  if (message.count) return takeClusters(layer, message);
  if (layer.clusters.delete(tile)) layer.regrouped = true;
  const members = layer.tiles.get(tile) ?? new Set<string>();
  layer.tiles.set(tile, members);
  const left = message.whole ? new Set(members) : null;
  for (let row = 0; row < message.id.length; row++) {
    const id = message.id[row] as string;
    left?.delete(id);
    members.add(id);
    const known = layer.byId.get(id);
    if (known && known.tile !== tile) leave(layer, known);
    const marker = known ?? emptyMarker(id);
    if (!known) layer.byId.set(id, marker);
    move(marker, mercatorX(message.lon[row] ?? 0), mercatorY(message.lat[row] ?? 0), message.at[row] ?? null, now, still || !known);
    marker.tile = tile;
    marker.label = message.label[row] ?? null;
    marker.value = message.value[row] ?? null;
    marker.stale = Boolean(message.stale[row]);
    layer.touched.add(marker);
  }
  for (const id of [...(left ?? []), ...(message.gone ?? [])]) drop(layer, id, tile);
}

function emptyMarker(id: string): Marker {
  return { id, label: null, value: null, at: null, stale: false, tile: "", x: 0, y: 0, fromX: 0, fromY: 0, since: 0, lasts: 0, row: -1 };
}

function move(marker: Marker, x: number, y: number, at: number | null, now: number, still: boolean): void {
  const [fromX, fromY] = !still && glides(marker, x, y, at) ? placeAt(marker, now) : [x, y];
  marker.fromX = fromX;
  marker.fromY = fromY;
  marker.x = x;
  marker.y = y;
  marker.at = at;
  marker.since = now;
  marker.lasts = fromX === x && fromY === y ? 0 : GLIDE_MS;
}

function takeClusters(layer: LayerMarkers, message: Features): void {
  dropTile(layer, message.tile);
  layer.regrouped = true;
  layer.clusters.set(
    message.tile,
    (message.count ?? []).map((count, row) => ({
      count, lon: message.lon[row] ?? 0, lat: message.lat[row] ?? 0, value: message.value[row] ?? null,
    })),
  );
}

function dropTile(layer: LayerMarkers, tile: string): void {
  for (const id of [...(layer.tiles.get(tile) ?? [])]) drop(layer, id, tile);
  layer.tiles.delete(tile);
  if (layer.clusters.delete(tile)) layer.regrouped = true;
}

/** Forget all tiles but these. */
export function keep(layer: LayerMarkers, tiles: Set<string>): void {
  for (const tile of new Set([...layer.tiles.keys(), ...layer.clusters.keys()])) if (!tiles.has(tile)) dropTile(layer, tile);
}
