/** What the operations centre shows: vital signs and what needs attention, asked for again and again. */
import { reactive } from "vue";
import { get } from "../../api";
import { preferences } from "../../preferences";
import { refused, session } from "../../session";
import { inLanguage } from "../../text/words";
import { select } from "../map/city";
import { api, type Item, type Severity, type Vital } from "./api";

const POLL_MS = 5_000;
const FRESH_MS = 60_000;

export const ops = reactive({
  vitals: [] as Vital[],
  items: [] as Item[],
  loaded: false,
  error: null as unknown,
  /** The vital sign whose reasons are shown. */
  opened: null as string | null,
  /** When an item was first seen here, for those that came while the page was open. */
  fresh: {} as Record<string, number>,
  /** What a screen reader is told. */
  told: "",
});

const RANK: Record<Severity, number> = { critical: 4, high: 3, medium: 2, low: 1, informational: 0 };

export function worse(one: Item, other: Item): number {
  return RANK[other.severity] - RANK[one.severity] || other.since.localeCompare(one.since);
}

function learn(items: Item[]): void {
  const known = new Set(ops.items.map((item) => item.id));
  const now = Date.now();
  for (const [id, since] of Object.entries(ops.fresh)) if (now - since > FRESH_MS) delete ops.fresh[id];
  if (ops.loaded) {
    for (const item of items) {
      if (known.has(item.id) || item.status !== "open") continue;
      ops.fresh[item.id] = now;
      ops.told = titleOf(item);
    }
  }
  ops.items = items;
}

export async function refresh(): Promise<void> {
  try {
    const [vitals, items] = await Promise.all([api.vitals(), api.attention()]);
    ops.vitals = vitals;
    learn(items);
    ops.loaded = true;
    ops.error = null;
  } catch (error) {
    if (!refused(error)) ops.error = error;
  }
}

/** Until the function that is given back is called. */
export function watchOps(): () => void {
  void refresh();
  const timer = setInterval(() => !document.hidden && !session.tokenNeeded && void refresh(), POLL_MS);
  return () => clearInterval(timer);
}

export function labelOf(vital: Vital): string {
  return inLanguage([vital.label_zh, vital.label_en]);
}

export function titleOf(item: Item): string {
  return inLanguage([item.title_zh, item.title_en]) || item.title_zh;
}

export function reasonOf(item: Item): string {
  return inLanguage([item.reason_zh, item.reason_en]) || item.reason_zh;
}

/** A figure as it is read at a glance: three digits that count. */
export function figure(value: number | null): string {
  if (value === null) return "–";
  const digits = Math.abs(value) >= 100 ? 0 : 1;
  return value.toLocaleString(preferences.language === "zh" ? "zh-CN" : "en-GB", { maximumFractionDigits: digits });
}

interface Placed {
  attributes: { kind: string; value: unknown }[];
}

/** Show an entity, and go where it is. */
export async function show(id: string, place?: { lon: number; lat: number }): Promise<void> {
  select(id, place);
  if (place) return;
  try {
    const entity = await get<Placed>(`/api/v1/entities/${encodeURIComponent(id)}`);
    const found = entity.attributes.find((attribute) => attribute.kind === "GeoProperty")?.value as { type?: string; coordinates?: number[] } | undefined;
    const [lon, lat] = found?.type === "Point" ? (found.coordinates ?? []) : [];
    if (lon !== undefined && lat !== undefined) select(id, { lon, lat });
  } catch {
    // its panel says what is wrong
  }
}
