/** What is drawn of the markers: dots in their colours, clusters, labels, and which of them lie near a point. */
import type { Feature, FeatureCollection, Point } from "geojson";
import { toRaw } from "vue";
import { onGround } from "../../entity/types";
import { preferences } from "../../preferences";
import { type Band, clear, emptyBand, type Look, type Origin, put, putOnly, remove, type Rgb, SHAPE } from "./bands";
import { city, markers } from "./city";
import { choiceOf, colorOfStep, type LayerInfo, shownLayers, type Step, stepOf } from "./layers";
import { latitude, type LayerMarkers, longitude, type Marker, mercatorX, mercatorY, placeAt } from "./markers";
import type { Camera } from "./overlay";

export interface Hit {
  layer: LayerInfo;
  marker: Marker;
}

/** A layer's band, what it was made from, and how a marker of each step looks; the last one is for no step. */
interface Drawn {
  band: Band;
  source: LayerMarkers;
  made: string;
  legend: Step[];
  looks: Look[];
  stale: Look;
  steps: number[];
}

const RADIUS = 5;
const HEAT_RADIUS = 26;
const HALO = 6;
const LABELS_AT_MOST = 400;
const WIDE_SCREEN = 1920 * 1024;
const STALE: Record<string, Rgb> = { light: [152, 163, 174], dark: [95, 109, 122] };
const ACCENT: Record<string, Rgb> = { light: [11, 95, 146], dark: [124, 199, 245] };
const drawn = new Map<string, Drawn>();
const chosen = emptyBand(false);

export function rgb(color: string): Rgb {
  const number = parseInt(color.slice(1), 16);
  return [(number >> 16) & 255, (number >> 8) & 255, number & 255];
}

function begin(layer: LayerInfo, source: LayerMarkers, made: string): Drawn {
  const { legend, color, kind } = layer;
  const heat = kind === "heat";
  const radius = heat ? HEAT_RADIUS : RADIUS;
  const shape = heat ? SHAPE.heat : SHAPE.filled;
  return {
    band: emptyBand(!heat),
    source,
    made,
    legend,
    looks: [...legend.map((step) => step.color), color].map((own) => ({ color: rgb(onGround(own)), shape, radius })),
    stale: { color: STALE[preferences.theme] as Rgb, shape: heat ? SHAPE.heat : SHAPE.hollow, radius },
    steps: [...choiceOf(layer.key).steps],
  };
}

/** How a marker looks; null: the legend does not let it through. */
function lookOf({ legend, looks, stale, steps }: Drawn, marker: Marker): Look | null {
  const step = stepOf(legend, marker.value);
  if (steps.length && !steps.includes(step)) return null;
  return marker.stale ? stale : (looks[step < 0 ? legend.length : step] as Look);
}

function take(one: Drawn, marker: Marker, origin: Origin): void {
  const look = one.source.byId.get(marker.id) === marker ? lookOf(one, marker) : null;
  if (look) put(one.band, marker, look, origin);
  else remove(one.band, marker);
}

/** Bring a layer's band up to date: what was touched, or all of it where it looks otherwise now. */
function follow(layer: LayerInfo, anew: boolean, origin: Origin): Drawn | null {
  const source = markers.get(layer.key);
  if (!source) return null;
  const made = JSON.stringify([preferences.theme, layer.kind, layer.color, layer.legend, choiceOf(layer.key).steps]);
  let one = drawn.get(layer.key);
  if (one?.source === source && one.made === made && !anew) for (const marker of source.touched) take(one, marker, origin);
  else {
    if (one) clear(one.band);
    one = begin(layer, source, made);
    drawn.set(layer.key, one);
    for (const marker of source.byId.values()) take(one, marker, origin);
  }
  source.touched.clear();
  return one;
}

/** The bands of what is shown, the few above the many, and above all what is chosen. `anew`: the origin is another. */
export function bands(anew: boolean, origin: Origin): Band[] {
  const shown = shownLayers().map(toRaw);
  for (const key of drawn.keys()) if (!shown.some((layer) => layer.key === key)) drawn.delete(key);
  const found = shown.flatMap((layer) => follow(layer, anew, origin) ?? []);
  const own = found.findLast(({ source }) => source.byId.has(city.selected ?? ""));
  const marker = own?.source.byId.get(city.selected ?? "");
  const look = own && marker && lookOf(own, marker);
  if (marker && look) {
    const halo = { color: ACCENT[preferences.theme] as Rgb, shape: SHAPE.halo, radius: RADIUS + HALO };
    putOnly(chosen, [marker, marker], [halo, { ...look, radius: RADIUS + 1 }], origin);
  } else putOnly(chosen, [], [], origin);
  return [...found.map(({ band }) => band), chosen];
}

/** Thousands are drawn smaller, so that the city is still seen between them; `area`: of the map in CSS pixels. */
export function crowding(count: number, area: number): number {
  const dense = (count * WIDE_SCREEN) / Math.max(1, area);
  return Math.min(1, Math.max(0.55, 1 - 0.35 * Math.log10(Math.max(1, dense) / 600)));
}

function* visible(): Generator<Hit> {
  for (const layer of shownLayers()) for (const marker of drawn.get(layer.key)?.band.markers ?? []) yield { layer, marker };
}

export function markersNear(camera: Camera, px: number, py: number, reach: number): Hit[] {
  const x = camera.x + (px - camera.width / 2) / camera.world;
  const y = camera.y + (py - camera.height / 2) / camera.world;
  // a finger needs as much room where markers are drawn small
  const radius = (reach + RADIUS * camera.grow) / camera.world;
  const now = performance.now();
  const found: (Hit & { distance: number })[] = [];
  for (const { layer, marker } of visible()) {
    const [mx, my] = placeAt(marker, now);
    const distance = Math.hypot(mx - x, my - y);
    if (distance < radius) found.push({ layer, marker, distance });
  }
  const exact = found.filter((hit) => hit.distance * camera.world < RADIUS * camera.grow);
  return (exact.length ? exact : found).sort((a, b) => a.distance - b.distance);
}

function point<Facts>(lon: number, lat: number, properties: Facts): Feature<Point, Facts & object> {
  return { type: "Feature", geometry: { type: "Point", coordinates: [lon, lat] }, properties: properties as Facts & object };
}

/** 1,234 is written as 1.2k in a small circle. */
export function shortCount(count: number): string {
  return count < 1000 ? String(count) : `${(count / 1000).toFixed(count < 10_000 ? 1 : 0)}k`;
}

/** Null where they are as they were. */
export function clustersOf(anew: boolean): FeatureCollection<Point> | null {
  const shown = shownLayers().map(toRaw);
  const held = shown.flatMap((layer) => markers.get(layer.key) ?? []);
  if (!anew && !held.some((one) => one.regrouped)) return null;
  for (const one of held) one.regrouped = false;
  const features = shown.flatMap((layer) =>
    [...(markers.get(layer.key)?.clusters.values() ?? [])].flat().map((cluster) =>
      point(cluster.lon, cluster.lat, {
        count: shortCount(cluster.count),
        radius: 10 + 4 * Math.log10(cluster.count + 1),
        color: colorOfStep(layer, stepOf(layer.legend, cluster.value)),
      }),
    ),
  );
  return { type: "FeatureCollection", features };
}

export function labelsOf(box: [number, number, number, number] | null): FeatureCollection<Point> {
  const features: Feature<Point>[] = [];
  if (box) {
    const [west, south, east, north] = [mercatorX(box[0]), mercatorY(box[1]), mercatorX(box[2]), mercatorY(box[3])];
    const now = performance.now();
    for (const { layer, marker } of visible()) {
      if (!marker.label || layer.kind === "heat") continue;
      const [x, y] = placeAt(marker, now);
      if (x < west || x > east || y > south || y < north) continue;
      features.push(point(longitude(x), latitude(y), { label: marker.label }));
      if (features.length === LABELS_AT_MOST) break;
    }
  }
  return { type: "FeatureCollection", features };
}
