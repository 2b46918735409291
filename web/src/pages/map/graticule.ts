/** Meridians and parallels over the view: orientation where there is no base map. */
import type { Feature, FeatureCollection, MultiLineString } from "geojson";

const STEPS = [30, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001];
const LINES_ACROSS = 6;
const FURTHEST_NORTH = 85;

export interface View {
  west: number;
  south: number;
  east: number;
  north: number;
}

/** Lines at a round step, about six across and some beyond the edge, so that a short move needs no new ones. */
export function graticule(view: View): FeatureCollection<MultiLineString> {
  const width = view.east - view.west;
  const step = STEPS.find((one) => width / one >= LINES_ACROSS) ?? 0.001;
  const west = Math.floor((view.west - width) / step);
  const east = Math.ceil((view.east + width) / step);
  const south = Math.floor(Math.max(-FURTHEST_NORTH, view.south - width) / step);
  const north = Math.ceil(Math.min(FURTHEST_NORTH, view.north + width) / step);
  const lines: MultiLineString["coordinates"] = [];
  for (let x = west; x <= east; x++) lines.push([[x * step, south * step], [x * step, north * step]]);
  for (let y = south; y <= north; y++) lines.push([[west * step, y * step], [east * step, y * step]]);
  const feature: Feature<MultiLineString> = {
    type: "Feature",
    properties: {},
    geometry: { type: "MultiLineString", coordinates: lines },
  };
  return { type: "FeatureCollection", features: [feature] };
}
