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
  return { byId: new Map(), tiles: new Map(), clusters: new Map() };
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
}

function glides(old: Marker, x: number, y: number, at: number | null): boolean {
  const near = Math.abs(x - old.x) < FURTHEST && Math.abs(y - old.y) < FURTHEST;
  return near && at !== null && old.at !== null && at >= old.at && at - old.at <= LONGEST_GAP_S;
}

/** Take a message of the stream; `still`: nothing glides. */
export function take(layer: LayerMarkers, message: Features, now: number, still: boolean): void {
  const { tile } = message;
  if (message.count) return takeClusters(layer, message);
  layer.clusters.delete(tile);
  const members = layer.tiles.get(tile) ?? new Set<string>();
  layer.tiles.set(tile, members);
  const left = message.whole ? new Set(members) : null;
  message.id.forEach((id, row) => {
    left?.delete(id);
    const x = mercatorX(message.lon[row] ?? 0);
    const y = mercatorY(message.lat[row] ?? 0);
    const at = message.at[row] ?? null;
    const old = layer.byId.get(id);
    const [fromX, fromY] = old && !still && glides(old, x, y, at) ? placeAt(old, now) : [x, y];
    const lasts = fromX === x && fromY === y ? 0 : GLIDE_MS;
    if (old && old.tile !== tile) leave(layer, old);
    members.add(id);
    layer.byId.set(id, {
      id, x, y, at, tile, fromX, fromY, lasts, since: now,
      label: message.label[row] ?? null, value: message.value[row] ?? null, stale: Boolean(message.stale[row]),
    });
  });
  for (const id of [...(left ?? []), ...(message.gone ?? [])]) drop(layer, id, tile);
}

function takeClusters(layer: LayerMarkers, message: Features): void {
  dropTile(layer, message.tile);
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
  layer.clusters.delete(tile);
}

/** Forget all tiles but these. */
export function keep(layer: LayerMarkers, tiles: Set<string>): void {
  for (const tile of new Set([...layer.tiles.keys(), ...layer.clusters.keys()])) if (!tiles.has(tile)) dropTile(layer, tile);
}
