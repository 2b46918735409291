/** What is drawn of the markers: dots in their colours, clusters, labels, and which of them lie near a point. */
import type { Feature, FeatureCollection, Point } from "geojson";
import { preferences } from "../../preferences";
import { city, markers } from "./city";
import { choiceOf, colorOfStep, type LayerInfo, shownLayers, stepOf } from "./layers";
import { latitude, longitude, type Marker, mercatorX, mercatorY, placeAt } from "./markers";
import { type Camera, type Dot, SHAPE } from "./overlay";

export interface Hit {
  layer: LayerInfo;
  marker: Marker;
}

type Rgb = readonly [number, number, number];

const RADIUS = 5;
const HEAT_RADIUS = 26;
const HALO = 6;
const LABELS_AT_MOST = 400;
const WIDE_SCREEN = 1920 * 1024;
const STALE: Record<string, Rgb> = { light: [152, 163, 174], dark: [95, 109, 122] };
const ACCENT: Record<string, Rgb> = { light: [11, 95, 146], dark: [124, 199, 245] };

export function rgb(color: string): Rgb {
  const number = parseInt(color.slice(1), 16);
  return [(number >> 16) & 255, (number >> 8) & 255, number & 255];
}

/** Each marker of the layers that are shown and let it through, the few above the many. */
function* visible(): Generator<Hit & { step: number }> {
  for (const layer of shownLayers()) {
    const { steps } = choiceOf(layer.key);
    for (const marker of markers.get(layer.key)?.byId.values() ?? []) {
      const step = stepOf(layer.legend, marker.value);
      if (!steps.length || steps.includes(step)) yield { layer, marker, step };
    }
  }
}

function dot(marker: Marker, color: Rgb, shape: number, radius: number): Dot {
  const { x, y, fromX, fromY, since, lasts } = marker;
  return { x, y, fromX, fromY, since, lasts, color, shape, radius };
}

/** `area`: of the map in CSS pixels. */
export function dots(area: number): Dot[] {
  const found: Dot[] = [];
  const chosen: Dot[] = [];
  const colors = new Map<string, Rgb>();
  const stale = STALE[preferences.theme] as Rgb;
  for (const { layer, marker, step } of visible()) {
    const key = `${layer.key} ${step}`;
    const own = colors.get(key) ?? rgb(colorOfStep(layer, step));
    colors.set(key, own);
    const heat = layer.kind === "heat";
    const one = dot(marker, marker.stale ? stale : own, heat ? SHAPE.heat : marker.stale ? SHAPE.hollow : SHAPE.filled, heat ? HEAT_RADIUS : RADIUS);
    if (marker.id === city.selected) chosen.push(dot(marker, ACCENT[preferences.theme] as Rgb, SHAPE.halo, RADIUS + HALO), { ...one, radius: RADIUS + 1 });
    else found.push(one);
  }
  const crowd = crowding((found.length * WIDE_SCREEN) / Math.max(1, area));
  for (const one of found) if (one.shape !== SHAPE.heat) one.radius *= crowd;
  return [...found, ...chosen];
}

/** Thousands are drawn smaller, so that the city is still seen between them. */
export function crowding(count: number): number {
  return Math.min(1, Math.max(0.55, 1 - 0.35 * Math.log10(Math.max(1, count) / 600)));
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

export function clustersOf(): FeatureCollection<Point> {
  const features = shownLayers().flatMap((layer) =>
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
