/** The map's style as a function of what is shown; MapLibre applies only the differences. */
import type { FeatureCollection } from "geojson";
import type { ExpressionSpecification as Expression, FilterSpecification, LayerSpecification, StyleSpecification, VectorSourceSpecification } from "maplibre-gl";
import type { Language, Theme } from "../../preferences";
import { onGround } from "../../entity/types";
import { baseGround, type BaseMapInfo, baseNames, baseSource, FONT, PAPER } from "./basemap";
import type { Step } from "./layers";

/** A layer of lines or areas, drawn from vector tiles. */
export interface ShownShape {
  key: string;
  type: string;
  color: string;
  legend: Step[];
  /** The attribute that the legend speaks of, and what is let through (q). */
  attribute: string | null;
  query: string | null;
  /** When its tiles last changed, as their address says. */
  stamp: string;
}

export interface MapContent {
  theme: Theme;
  language: Language;
  base: BaseMapInfo | null;
  shapes: ShownShape[];
  selected: string | null;
}

const COLORS: Record<Theme, { grid: string; stale: string; text: string; halo: string; accent: string; onCluster: string }> = {
  light: { grid: "#d8e0e7", stale: "#98a3ae", text: "#22303c", halo: "#ffffff", accent: "#0b5f92", onCluster: "#ffffff" },
  dark: { grid: "#1b2733", stale: "#5f6d7a", text: "#d5dee7", halo: "#0d141b", accent: "#7cc7f5", onCluster: "#0b141c" },
};

const TILE_LAYER = "entities";
const DEEPEST_TILE = 16;
const NOTHING_SELECTED = "\u0000";
const EMPTY: FeatureCollection = { type: "FeatureCollection", features: [] };
export const LABELS_FROM = 14.5;
/** Sources whose data is set apart from the style. */
export const GRATICULE = "graticule";
export const CLUSTERS = "clusters";
export const LABELS = "labels";

const AREA: FilterSpecification = ["==", ["geometry-type"], "Polygon"];
const LINE: FilterSpecification = ["!=", ["geometry-type"], "Point"];
const STALE: Expression = ["to-boolean", ["get", "stale"]];

export const sourceOf = (key: string) => `shape:${key}`;

/** The layers of shapes that answer a click. */
export const hitLayers = (key: string) => [`${key}:line`, `${key}:area`];

export function styleOf(content: MapContent): StyleSpecification {
  const { theme, language, base, shapes } = content;
  return {
    version: 8,
    sources: {
      [GRATICULE]: { type: "geojson", data: EMPTY },
      [CLUSTERS]: { type: "geojson", data: EMPTY },
      [LABELS]: { type: "geojson", data: EMPTY },
      ...(base ? { basemap: baseSource(base) } : {}),
      ...Object.fromEntries(shapes.map((shape) => [sourceOf(shape.key), tilesOf(shape)])),
    },
    layers: [
      { id: "land", type: "background", paint: { "background-color": PAPER[theme].land } },
      ...(base ? baseGround(theme) : [gridLayer(theme)]),
      ...shapes.flatMap((shape) => shapeLayers(shape, content)),
      ...(base ? baseNames(theme, language) : []),
      ...clusterLayers(theme),
      labelLayer(theme),
    ],
  };
}

function gridLayer(theme: Theme): LayerSpecification {
  return { id: "graticule", type: "line", source: GRATICULE, paint: { "line-color": COLORS[theme].grid, "line-width": 1 } };
}

function tilesOf({ type, stamp, attribute, query }: ShownShape): VectorSourceSpecification {
  const asked = [...(attribute ? [`value=${encodeURIComponent(attribute)}`] : []), ...(query ? [`q=${encodeURIComponent(query)}`] : []), stamp];
  const tiles = [`${location.origin}/tiles/${encodeURIComponent(type)}/{z}/{x}/{y}.mvt?${asked.join("&")}`];
  return { type: "vector", tiles, minzoom: 0, maxzoom: DEEPEST_TILE };
}

/** The colour of the step that a value falls into, as `stepOf` finds it for markers. */
export function colorOfValue(legend: Step[], color: string): Expression | string {
  if (!legend.length) return color;
  const value: Expression = ["get", "value"];
  const least = legend.filter((step) => step.value === undefined).reverse();
  const named = legend.filter((step) => step.value !== undefined);
  const numbers = least.flatMap((step) => [[">=", ["to-number", value, 0], step.least ?? -Number.MAX_VALUE], onGround(step.color)]);
  const texts = named.flatMap((step) => [["==", ["to-string", value], step.value], onGround(step.color)]);
  const ofNumber = numbers.length ? ["case", ...numbers, color] : color;
  const ofText = texts.length ? ["case", ...texts, color] : color;
  return ["case", ["==", ["typeof", value], "number"], ofNumber, ofText] as Expression;
}

function shapeLayers({ key, color, legend }: ShownShape, content: MapContent): LayerSpecification[] {
  const colors = COLORS[content.theme];
  const shared = { source: sourceOf(key), "source-layer": TILE_LAYER };
  const own: Expression = ["case", STALE, colors.stale, colorOfValue(legend, color)];
  // a colour that says something is to be seen
  const cover = legend.length ? 0.4 : 0.1;
  const chosen: Expression = ["==", ["get", "id"], content.selected ?? NOTHING_SELECTED];
  return [
    { ...shared, id: `${key}:area`, type: "fill", filter: AREA, paint: { "fill-color": own, "fill-opacity": ["case", chosen, cover + 0.16, cover] } },
    {
      ...shared,
      id: `${key}:line`,
      type: "line",
      filter: LINE,
      layout: { "line-join": "round", "line-cap": "round" },
      paint: {
        "line-color": ["case", chosen, colors.accent, own],
        "line-width": ["interpolate", ["linear"], ["zoom"], 10, ["case", chosen, 3, legend.length ? 1.6 : 1], 15, ["case", chosen, 5, legend.length ? 4 : 2.4]],
        "line-opacity": 0.85,
      },
    },
  ];
}

function clusterLayers(theme: Theme): LayerSpecification[] {
  const colors = COLORS[theme];
  return [
    {
      id: "cluster",
      type: "circle",
      source: CLUSTERS,
      paint: {
        "circle-radius": ["get", "radius"],
        "circle-color": ["get", "color"],
        "circle-opacity": 0.88,
        "circle-stroke-color": colors.halo,
        "circle-stroke-width": 1.5,
      },
    },
    {
      id: "cluster-count",
      type: "symbol",
      source: CLUSTERS,
      layout: { "text-field": ["get", "count"], "text-font": FONT, "text-size": 12, "text-allow-overlap": true },
      paint: { "text-color": colors.onCluster },
    },
  ];
}

function labelLayer(theme: Theme): LayerSpecification {
  const colors = COLORS[theme];
  return {
    id: "label",
    type: "symbol",
    source: LABELS,
    layout: {
      "text-field": ["get", "label"],
      "text-font": FONT,
      "text-size": 12,
      "text-anchor": "top",
      "text-offset": [0, 0.8],
      "text-max-width": 9,
    },
    paint: { "text-color": colors.text, "text-halo-color": colors.halo, "text-halo-width": 1.5 },
  };
}
