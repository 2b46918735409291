/** The layers of the map: what there is, what is shown, how values are coloured, and what is filtered. */
import { reactive } from "vue";
import { get } from "../../api";
import { onGround } from "../../entity/types";
import { preferences } from "../../preferences";
import type { Value, WatchedLayer } from "../../stream";

export interface Step {
  color: string;
  label: { zh: string; en: string };
  least?: number;
  value?: string;
}

export interface LayerInfo {
  key: string;
  type: string;
  attribute: string | null;
  label: { zh: string; en: string };
  legend: Step[];
  kind: "points" | "lines" | "areas" | "heat";
  visible: boolean;
  app: string | null;
  count: number;
  located: number;
  color: string;
}

export interface Choice {
  shown: boolean;
  /** Steps of the legend that are let through; none: all are. */
  steps: number[];
  /** What an expert asks for besides, as NGSI-LD's q. */
  q: string;
  /** Why the server did not take it. */
  refused: string;
}

const SHOWN_AT_FIRST = 12;
/** So many does the server let a page watch. */
const WATCHED_AT_MOST = 24;

export const layers = reactive({
  list: [] as LayerInfo[],
  choices: {} as Record<string, Choice>,
});

export const labelOf = (named: { label: { zh: string; en: string } }): string => named.label[preferences.language] || named.label.zh;

export const choiceOf = (key: string): Choice => layers.choices[key] ?? { shown: false, steps: [], q: "", refused: "" };

export const isShape = (layer: LayerInfo): boolean => layer.kind === "lines" || layer.kind === "areas";

/** Few lie above many, so that 150 vehicles are seen among 4,000 stops. */
export function shownLayers(): LayerInfo[] {
  return layers.list.filter((layer) => choiceOf(layer.key).shown).sort((a, b) => b.located - a.located);
}

/** `wished`: keys from the page's address; null: what the layers themselves say. */
export async function loadLayers(at: string | null, wished: string[] | null): Promise<void> {
  const found = await get<LayerInfo[]>("/api/v1/layers", at ? { at } : {});
  let room = SHOWN_AT_FIRST - Object.values(layers.choices).filter((choice) => choice.shown).length;
  for (const layer of found) {
    const known = layers.choices[layer.key];
    // one that was empty until now is met for the first time
    if (known && (known.shown || layers.list.some((one) => one.key === layer.key && one.located > 0))) continue;
    const shown = wished ? wished.includes(layer.key) : layer.visible && layer.located > 0 && room > 0;
    if (shown) room -= 1;
    layers.choices[layer.key] = known ? { ...known, shown } : { shown, steps: [], q: "", refused: "" };
  }
  layers.list = found;
}

/** The step of a legend that a value falls into; -1 for none. */
export function stepOf(legend: Step[], value: Value): number {
  if (value === null) return -1;
  if (typeof value === "number") return legend.findLastIndex((step) => step.value === undefined && value >= (step.least ?? -Infinity));
  return legend.findIndex((step) => step.value === String(value));
}

export function colorOfStep(layer: LayerInfo, step: number): string {
  return onGround(layer.legend[step]?.color ?? layer.color);
}

const quoted = (text: string) => `"${text.replace(/["\\]/g, "\\$&")}"`;

function stepTerm(attribute: string, legend: Step[], at: number): string {
  const step = legend[at];
  if (step?.value !== undefined) return `${attribute}==${quoted(step.value)}`;
  const above = legend.slice(at + 1).find((one) => one.least !== undefined)?.least;
  const terms = [
    ...(step?.least === undefined ? [] : [`${attribute}>=${step.least}`]),
    ...(above === undefined ? [] : [`${attribute}<${above}`]),
  ];
  return terms.length > 1 ? `(${terms.join(";")})` : (terms[0] ?? attribute);
}

/** The steps that are let through and the expert's words, as one q. */
export function queryOf(layer: LayerInfo, choice: Choice): string | null {
  const { attribute, legend } = layer;
  const steps = attribute === null ? [] : choice.steps.map((at) => stepTerm(attribute, legend, at));
  const own = choice.q.trim();
  const parts = [...(steps.length ? [steps.join("|")] : []), ...(own ? [own] : [])];
  if (parts.length < 2) return parts[0] ?? null;
  return parts.map((part) => `(${part})`).join(";");
}

export function watchedLayers(): WatchedLayer[] {
  return shownLayers().slice(0, WATCHED_AT_MOST).map((layer) => ({
    key: layer.key,
    type: layer.type,
    attribute: layer.attribute,
    q: queryOf(layer, choiceOf(layer.key)),
  }));
}

export function toggleLayer(key: string): void {
  const choice = layers.choices[key];
  if (choice) choice.shown = !choice.shown;
}

export function toggleStep(key: string, step: number): void {
  const choice = layers.choices[key];
  if (!choice) return;
  choice.steps = choice.steps.includes(step) ? choice.steps.filter((one) => one !== step) : [...choice.steps, step].sort((a, b) => a - b);
}
