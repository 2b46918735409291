/** What is drawn of one layer, as the graphics card takes it: a row for each marker, changed in place.
 *
 * A round of reports touches a few among thousands of markers: only their rows are written, and only the blocks in which
 * they lie are handed to the card.
 */
import type { Marker } from "./markers";

/** For each row: from x, y, to x, y (Mercator less the origin), since, lasts (ms of the page's clock less the epoch). */
const FLOATS = 6;
/** red, green, blue, shape; radius in quarters of a pixel, three spare */
const OCTETS = 8;
export const STRIDE = FLOATS * 4 + OCTETS;
/** Rows that are handed over together. */
export const BLOCK = 256;

export const SHAPE = { filled: 0, hollow: 1, halo: 2, heat: 3 } as const;

export type Rgb = readonly [number, number, number];

export interface Look {
  color: Rgb;
  shape: number;
  radius: number;
}

/** From where and since when places and times are counted: the card's numbers have 24 bits. */
export interface Origin {
  x: number;
  y: number;
  epoch: number;
}

export interface Band {
  markers: Marker[];
  data: ArrayBuffer;
  /** Blocks that the card does not have as they are. */
  changed: Set<number>;
  /** When the last of them has arrived (ms of the page's clock). */
  until: number;
  /** Thousands are drawn smaller; what is chosen and what is a cloud is not. */
  crowds: boolean;
}

export function emptyBand(crowds: boolean): Band {
  return { markers: [], data: new ArrayBuffer(BLOCK * STRIDE), changed: new Set(), until: 0, crowds };
}

export const rowsOf = (band: Band): number => band.data.byteLength / STRIDE;

function reserve(band: Band, rows: number): void {
  if (rows <= rowsOf(band)) return;
  const larger = new Uint8Array(Math.ceil((rows * 1.5) / BLOCK) * BLOCK * STRIDE);
  larger.set(new Uint8Array(band.data));
  band.data = larger.buffer;
}

function write(band: Band, row: number, marker: Marker, look: Look, origin: Origin): void {
  const floats = new Float32Array(band.data, row * STRIDE, FLOATS);
  floats[0] = marker.fromX - origin.x;
  floats[1] = marker.fromY - origin.y;
  floats[2] = marker.x - origin.x;
  floats[3] = marker.y - origin.y;
  floats[4] = marker.since - origin.epoch;
  floats[5] = marker.lasts;
  const octets = new Uint8Array(band.data, row * STRIDE + FLOATS * 4, OCTETS);
  octets.set(look.color);
  octets[3] = look.shape;
  octets[4] = Math.min(255, Math.round(look.radius * 4));
  band.changed.add(Math.floor(row / BLOCK));
  if (marker.lasts > 0) band.until = Math.max(band.until, marker.since + marker.lasts);
}

/** Draw a marker like this from now on. */
export function put(band: Band, marker: Marker, look: Look, origin: Origin): void {
  if (band.markers[marker.row] !== marker) {
    marker.row = band.markers.length;
    band.markers.push(marker);
    reserve(band, band.markers.length);
  }
  write(band, marker.row, marker, look, origin);
}

/** Draw it no more: the last row takes its place. */
export function remove(band: Band, marker: Marker): void {
  const { row } = marker;
  if (band.markers[row] !== marker) return;
  marker.row = -1;
  const last = band.markers.pop() as Marker;
  if (last === marker) return;
  band.markers[row] = last;
  last.row = row;
  const bytes = new Uint8Array(band.data);
  bytes.copyWithin(row * STRIDE, band.markers.length * STRIDE, (band.markers.length + 1) * STRIDE);
  band.changed.add(Math.floor(row / BLOCK));
}

/** Exactly these, in this order; for a few that belong to other bands too. */
export function putOnly(band: Band, markers: readonly Marker[], looks: readonly Look[], origin: Origin): void {
  band.markers = [...markers];
  band.until = 0;
  reserve(band, markers.length);
  markers.forEach((marker, row) => write(band, row, marker, looks[row] as Look, origin));
}

export function clear(band: Band): void {
  for (const marker of band.markers) marker.row = -1;
  band.markers.length = 0;
  band.until = 0;
}
