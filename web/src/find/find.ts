/** One search over places, lines, stops, things, pages and documents: what fits, in groups, the closest first. */
import { get } from "../api";
import { typeLabel } from "../entity/types";
import { menu } from "../pages";
import { preferences } from "../preferences";
import { inLanguage } from "../text/words";
import { say } from "./words";

export type Kind = "line" | "stop" | "place" | "thing" | "page" | "document";

export interface Hit {
  kind: Kind;
  /** Of an entity its id, of a page or document its path, of a place its name. */
  id: string;
  label: string;
  /** What it is, or what else it is called. */
  note: string;
  type?: string;
  lon?: number;
  lat?: number;
}

export interface Group {
  kind: Kind;
  hits: Hit[];
}

interface Entity {
  id: string;
  type: string;
  label: string | null;
  short: string | null;
  lon: number | null;
  lat: number | null;
}

interface Place {
  name: string;
  name_en: string | null;
  layer: string;
  class: string;
  lon: number;
  lat: number;
}

interface Doc {
  name: string;
  title: string;
}

const ORDER: Kind[] = ["line", "stop", "place", "thing", "page", "document"];
const EACH = 5;
const MOST = 60;
const KINDS: Record<string, Kind> = { GtfsRoute: "line", GtfsStop: "stop" };
let documents: Promise<Doc[]> | null = null;

/** What fits a text, of the kinds that are asked for. What one of the sources cannot answer is left out. */
export async function find(text: string, kinds: readonly Kind[], signal: AbortSignal, at: string | null = null): Promise<Group[]> {
  const wants = (...some: Kind[]) => some.some((kind) => kinds.includes(kind));
  const asked: Promise<Hit[]>[] = [];
  if (wants("line", "stop", "thing")) asked.push(entities(text, signal, at));
  const more: Promise<Hit[]>[] = [];
  if (wants("place")) more.push(places(text, signal));
  if (wants("page")) more.push(Promise.resolve(pages(text)));
  if (wants("document")) more.push(docs(text));
  // without an answer about the city there is none; a city without a base map, say, has no places
  const told = (await Promise.all(asked)).flat();
  const besides = (await Promise.allSettled(more)).flatMap((one) => (one.status === "fulfilled" ? one.value : []));
  const hits = [...told, ...besides];
  return ORDER.filter((kind) => kinds.includes(kind))
    .map((kind) => ({ kind, hits: hits.filter((hit) => hit.kind === kind).slice(0, kind === "thing" ? 2 * EACH : EACH) }))
    .filter((group) => group.hits.length);
}

async function entities(text: string, signal: AbortSignal, at: string | null): Promise<Hit[]> {
  const asked = { text, each: String(EACH), limit: String(MOST), ...(at === null ? {} : { at }) };
  const found = await get<Entity[]>("/api/v1/search", asked, signal);
  return found.map(({ id, type, label, short, lon, lat }) => {
    const kind = KINDS[type] ?? "thing";
    const place = lon === null || lat === null ? {} : { lon, lat };
    if (kind === "line") return { kind, id, type, label: lineName(short ?? label ?? id), note: short ? (label ?? "") : "", ...place };
    if (kind === "stop") return { kind, id, type, label: label ?? id, note: short ?? "", ...place };
    return { kind, id, type, label: label ?? id.split(":").at(-1) ?? id, note: typeLabel(type), ...place };
  });
}

/** A line that is called by a number alone is called a line. */
export function lineName(short: string): string {
  return /^[A-Za-z]?\d+[A-Za-z]?$/.test(short) ? say("line_name", { name: short }) : short;
}

async function places(text: string, signal: AbortSignal): Promise<Hit[]> {
  const found = await get<Place[]>("/api/v1/basemap/places", { text, limit: String(EACH) }, signal);
  return found.map(({ name, name_en, lon, lat }) => {
    const [label, note] = preferences.language === "en" && name_en ? [name_en, name] : [name, name_en ?? ""];
    return { kind: "place", id: name, label, note, lon, lat };
  });
}

function pages(text: string): Hit[] {
  const wish = text.toLowerCase();
  return menu
    .filter(({ title }) => title.some((name) => name.toLowerCase().includes(wish)))
    .map(({ path, title }) => ({ kind: "page", id: path, label: inLanguage(title), note: "" }));
}

async function docs(text: string): Promise<Hit[]> {
  documents ??= get<Doc[]>("/api/v1/docs");
  documents.catch(() => (documents = null));
  const wish = text.toLowerCase();
  const found = (await documents).filter(({ name, title }) => title.toLowerCase().includes(wish) || name.includes(wish));
  return found.map(({ name, title }) => ({ kind: "document", id: `/docs/${encodeURIComponent(name)}`, label: titleOf(title), note: "" }));
}

/** Titles of documents are in both languages: "Feeds · 数据源". */
function titleOf(title: string): string {
  const parts = title.split(" · ");
  const chinese = parts.find((part) => /[\u4e00-\u9fff]/.test(part));
  return (preferences.language === "zh" ? chinese : parts.find((part) => part !== chinese)) ?? title;
}
