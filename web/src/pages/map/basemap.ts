/** How the base map looks: quiet, so that what lives on it is seen. */
import type { ExpressionSpecification as Expression, FilterSpecification, LayerSpecification, VectorSourceSpecification } from "maplibre-gl";
import type { Language, Theme } from "../../preferences";

export interface BaseMapInfo {
  version: string | number;
  bounds: [number, number, number, number];
  attribution: string[];
  maxzoom: number;
}

interface Paper {
  land: string;
  water: string;
  green: string;
  building: string;
  buildingEdge: string;
  road: string;
  casing: string;
  major: string;
  rail: string;
  text: string;
  waterText: string;
  halo: string;
}

export const PAPER: Record<Theme, Paper> = {
  light: {
    land: "#eef1f3", water: "#c8dae6", green: "#dbe7dc", building: "#e2e6ea", buildingEdge: "#d3d9de",
    road: "#ffffff", casing: "#d5dce2", major: "#fdf6e8", rail: "#b9c2ca", text: "#44525e", waterText: "#3f6f8f", halo: "#f6f8f9",
  },
  dark: {
    land: "#111921", water: "#0c2536", green: "#13241f", building: "#18222c", buildingEdge: "#1f2b37",
    road: "#26333f", casing: "#0d141b", major: "#32424f", rail: "#2d3945", text: "#93a4b3", waterText: "#5e93b5", halo: "#0d141b",
  },
};

export const FONT = ["system-ui", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "sans-serif"];
/** Layers of names that the page writes above the markers: names.ts. */
export const BIG_NAMES = "base:big-place";
export const SMALL_NAMES = "base:small-place";
/** They find their room here and are not seen. */
const UNSEEN = 0.01;
const SOURCE = "basemap";
const DEEPEST = 16;

const MOTORWAY = ["motorway", "motorway_link", "trunk", "trunk_link"];
const MAJOR = ["primary", "primary_link", "secondary", "secondary_link"];
const MIDDLE = ["tertiary", "tertiary_link", "unclassified", "residential", "living_street", "road"];
const SMALL = ["service", "track", "pedestrian", "footway", "path", "cycleway", "steps", "bridleway", "corridor"];
const RAIL = ["rail", "subway", "tram", "light_rail", "narrow_gauge", "monorail"];
const BIG_PLACES = ["country", "state", "province", "city", "town", "district"];

const ofClass = (classes: string[]): FilterSpecification => ["in", ["get", "class"], ["literal", classes]];

/** Widths in pixels at zooms 10, 14, 18. */
function width(...[far, middle, near]: [number, number, number]): Expression {
  return ["interpolate", ["exponential", 1.5], ["zoom"], 10, far, 14, middle, 18, near];
}

const ROADS = [
  { id: "small", classes: SMALL, from: 14.5, wide: [0, 0.8, 5], tone: "road" },
  { id: "middle", classes: MIDDLE, from: 11.5, wide: [0.3, 2.4, 15], tone: "road" },
  { id: "major", classes: MAJOR, from: 8, wide: [0.9, 4.6, 22], tone: "road" },
  { id: "motorway", classes: MOTORWAY, from: 5, wide: [1.4, 5.6, 26], tone: "major" },
] as const;

export function baseSource(info: BaseMapInfo): VectorSourceSpecification {
  return {
    type: "vector",
    tiles: [`${location.origin}/basemap/{z}/{x}/{y}?v=${info.version}`],
    maxzoom: Math.min(DEEPEST, info.maxzoom),
    // what lies outside is not asked for
    bounds: info.bounds,
  };
}

function nameIn(language: Language): Expression {
  return language === "zh" ? ["coalesce", ["get", "name"], ["get", "name_en"], ""] : ["coalesce", ["get", "name_en"], ["get", "name"], ""];
}

export function baseGround(theme: Theme): LayerSpecification[] {
  const paper = PAPER[theme];
  const of = (layer: string) => ({ source: SOURCE, "source-layer": layer });
  const area: FilterSpecification = ["==", ["geometry-type"], "Polygon"];
  const line: FilterSpecification = ["!=", ["geometry-type"], "Polygon"];
  return [
    { ...of("land"), id: "base:land", type: "fill", paint: { "fill-color": paper.land } },
    { ...of("green"), id: "base:green", type: "fill", paint: { "fill-color": paper.green } },
    { ...of("water"), id: "base:water", type: "fill", filter: area, paint: { "fill-color": paper.water } },
    { ...of("water"), id: "base:river", type: "line", filter: line, paint: { "line-color": paper.water, "line-width": width(0.8, 2.5, 12) } },
    {
      ...of("building"), id: "base:building", type: "fill", minzoom: 13.5,
      paint: { "fill-color": paper.building, "fill-outline-color": paper.buildingEdge, "fill-opacity": ["interpolate", ["linear"], ["zoom"], 13.5, 0, 14.5, 1] },
    },
    ...roadLayers(theme, of("road")),
  ];
}

function roadLayers(theme: Theme, shared: { source: string; "source-layer": string }): LayerSpecification[] {
  const paper = PAPER[theme];
  const layout = { "line-cap": "round", "line-join": "round" } as const;
  const casings: LayerSpecification[] = ROADS.filter((road) => road.id !== "small").map(({ id, classes, from, wide: [far, middle, near] }) => ({
    ...shared, id: `base:${id}-edge`, type: "line", minzoom: Math.max(from, 11), filter: ofClass([...classes]), layout,
    paint: { "line-color": paper.casing, "line-width": width(far + 0.8, middle + 1.4, near + 2) },
  }));
  const surfaces: LayerSpecification[] = ROADS.map(({ id, classes, from, wide, tone }) => ({
    ...shared, id: `base:${id}`, type: "line", minzoom: from, filter: ofClass([...classes]), layout,
    paint: { "line-color": paper[tone], "line-width": width(...(wide as unknown as [number, number, number])) },
  }));
  const rail: LayerSpecification = {
    ...shared, id: "base:rail", type: "line", minzoom: 10, filter: ofClass(RAIL),
    paint: { "line-color": paper.rail, "line-width": width(0.5, 1.2, 2.5), "line-dasharray": [4, 2] },
  };
  return [...casings, rail, ...surfaces];
}

export function baseNames(theme: Theme, language: Language): LayerSpecification[] {
  const paper = PAPER[theme];
  const of = (layer: string) => ({ source: SOURCE, "source-layer": layer });
  const name = nameIn(language);
  const paint = { "text-color": paper.text, "text-halo-color": paper.halo, "text-halo-width": 1.4 };
  const placeSize = (size: number): Expression => ["interpolate", ["linear"], ["zoom"], 9, size, 15, size + 4];
  return [
    {
      ...of("road"), id: "base:road-name", type: "symbol", minzoom: 14, filter: ["!", ["in", ["get", "class"], ["literal", [...SMALL, ...RAIL]]]],
      layout: { "symbol-placement": "line", "symbol-spacing": 420, "text-field": name, "text-font": FONT, "text-size": 11, "text-max-angle": 30 },
      paint: { ...paint, "text-color": paper.text, "text-opacity": 0.85 },
    },
    {
      ...of("water"), id: "base:water-name", type: "symbol", minzoom: 11,
      layout: { "text-field": name, "text-font": FONT, "text-size": 12, "text-letter-spacing": 0.15, "text-max-width": 8 },
      paint: { ...paint, "text-color": paper.waterText },
    },
    {
      ...of("place"), id: SMALL_NAMES, type: "symbol", minzoom: 11, filter: ["!", ["in", ["get", "class"], ["literal", BIG_PLACES]]],
      layout: { "text-field": name, "text-font": FONT, "text-size": placeSize(11.5), "text-max-width": 8 },
      paint: { ...paint, "text-opacity": UNSEEN },
    },
    {
      ...of("place"), id: BIG_NAMES, type: "symbol", filter: ofClass(BIG_PLACES),
      layout: { "text-field": name, "text-font": FONT, "text-size": placeSize(14), "text-max-width": 8, "text-letter-spacing": 0.06 },
      paint: { ...paint, "text-opacity": UNSEEN },
    },
  ];
}
