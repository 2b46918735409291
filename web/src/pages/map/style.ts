/** The map's style as a function of what is shown; MapLibre applies only the differences. */
import type {
  ExpressionSpecification as Expression,
  FilterSpecification,
  LayerSpecification,
  StyleSpecification,
  VectorSourceSpecification,
} from "maplibre-gl";
import { graticule, type View } from "./graticule";
import type { Theme } from "../../preferences";

export interface Shown {
  name: string;
  color: string;
}

export interface MapContent {
  theme: Theme;
  shown: Shown[];
  selected: string | null;
  view: View;
}

const COLORS: Record<Theme, { land: string; grid: string; stale: string; edge: string; text: string; accent: string }> = {
  light: { land: "#eaeff3", grid: "#d8e0e7", stale: "#98a3ae", edge: "#ffffff", text: "#22303c", accent: "#0b5f92" },
  dark: { land: "#0e151c", grid: "#1b2733", stale: "#5f6d7a", edge: "#0e151c", text: "#d5dee7", accent: "#7cc7f5" },
};

const FONT = ["system-ui", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "sans-serif"];
const TILE_LAYER = "entities";
const DEEPEST_TILE = 16;
const LABELS_FROM = 14;
const NOTHING_SELECTED = "\u0000";

const STALE: Expression = ["to-boolean", ["get", "stale"]];
const ESTIMATED: Expression = ["to-boolean", ["get", "estimated"]];
const DRAWN = {
  area: ["==", ["geometry-type"], "Polygon"],
  line: ["!=", ["geometry-type"], "Point"],
  point: ["==", ["geometry-type"], "Point"],
} satisfies Record<string, FilterSpecification>;

export const sourceOf = (type: string) => `type:${type}`;
export const typeOfSource = (source: string) => source.slice("type:".length);

/** The layers of a type that answer a click. */
export const hitLayers = (type: string) => [`${type}:point`, `${type}:line`, `${type}:area`];

function sized(scale: number, extra = 0): Expression {
  const at = (radius: number) => radius * scale + extra;
  return ["interpolate", ["linear"], ["zoom"], 6, at(2), 11, at(3.4), 14, at(5.5), 17, at(8)];
}

export function styleOf(content: MapContent): StyleSpecification {
  const colors = COLORS[content.theme];
  const below = [...content.shown].reverse();
  return {
    version: 8,
    sources: {
      graticule: { type: "geojson", data: graticule(content.view) },
      ...Object.fromEntries(content.shown.map(({ name }) => [sourceOf(name), tilesOf(name)])),
    },
    layers: [
      { id: "land", type: "background", paint: { "background-color": colors.land } },
      { id: "graticule", type: "line", source: "graticule", paint: { "line-color": colors.grid, "line-width": 1 } },
      ...below.flatMap((type) => shapeLayers(type, content)),
      ...below.flatMap((type) => pointLayers(type, content)),
      ...below.map((type) => labelLayer(type, content)),
    ],
  };
}

function tilesOf(type: string): VectorSourceSpecification {
  const tiles = [`${location.origin}/tiles/${encodeURIComponent(type)}/{z}/{x}/{y}.mvt`];
  return { type: "vector", tiles, minzoom: 0, maxzoom: DEEPEST_TILE };
}

function shapeLayers({ name, color }: Shown, content: MapContent): LayerSpecification[] {
  const colors = COLORS[content.theme];
  const shared = { source: sourceOf(name), "source-layer": TILE_LAYER };
  const own: Expression = ["case", STALE, colors.stale, color];
  const chosen: Expression = ["==", ["get", "id"], content.selected ?? NOTHING_SELECTED];
  return [
    { ...shared, id: `${name}:area`, type: "fill", filter: DRAWN.area, paint: { "fill-color": own, "fill-opacity": 0.16 } },
    {
      ...shared,
      id: `${name}:line`,
      type: "line",
      filter: DRAWN.line,
      layout: { "line-join": "round", "line-cap": "round" },
      paint: { "line-color": ["case", chosen, colors.accent, own], "line-width": ["case", chosen, 4, 1.6] },
    },
  ];
}

/** Measured: filled; estimated: a ring; out of date: grey. */
function pointLayers({ name, color }: Shown, content: MapContent): LayerSpecification[] {
  const colors = COLORS[content.theme];
  const shared = { source: sourceOf(name), "source-layer": TILE_LAYER };
  const own: Expression = ["case", STALE, colors.stale, color];
  const chosen: FilterSpecification = ["all", DRAWN.point, ["==", ["get", "id"], content.selected ?? NOTHING_SELECTED]];
  return [
    {
      ...shared,
      id: `${name}:halo`,
      type: "circle",
      filter: chosen,
      paint: {
        "circle-radius": sized(1, 7),
        "circle-color": colors.accent,
        "circle-opacity": 0.22,
        "circle-stroke-color": colors.accent,
        "circle-stroke-width": 2,
      },
    },
    {
      ...shared,
      id: `${name}:point`,
      type: "circle",
      filter: DRAWN.point,
      paint: {
        "circle-radius": sized(1),
        "circle-color": ["case", ESTIMATED, colors.edge, own],
        "circle-stroke-color": ["case", ESTIMATED, own, colors.edge],
        "circle-stroke-width": ["interpolate", ["linear"], ["zoom"], 9, ["case", ESTIMATED, 1.2, 0.4], 13, ["case", ESTIMATED, 2, 1]],
      },
    },
  ];
}

function labelLayer({ name }: Shown, content: MapContent): LayerSpecification {
  const colors = COLORS[content.theme];
  return {
    id: `${name}:label`,
    type: "symbol",
    source: sourceOf(name),
    "source-layer": TILE_LAYER,
    // a shape that reaches over several tiles would be named in each
    filter: DRAWN.point,
    minzoom: LABELS_FROM,
    layout: {
      "text-field": ["coalesce", ["get", "label"], ""],
      "text-font": FONT,
      "text-size": 12,
      "text-anchor": "top",
      "text-offset": [0, 0.95],
      "text-max-width": 9,
    },
    paint: { "text-color": colors.text, "text-halo-color": colors.land, "text-halo-width": 1.4 },
  };
}
