/** Numbers, units, instants and ages as people read them. */
import { ApiError } from "../api";
import type { Attribute, Json } from "../entity/contract";
import { preferences } from "../preferences";
import { session } from "../session";
import { isWord, say } from "./words";

/** Symbols of UN/CEFACT codes; a code without one is shown as it is. */
const UNITS: Record<string, string> = {
  C62: "", P1: "%", CEL: "°C", KEL: "K", DD: "°", SEC: "s", MIN: "min", HUR: "h", DAY: "d",
  MMT: "mm", CMT: "cm", MTR: "m", KMT: "km", MTK: "m²", KMK: "km²", MTQ: "m³", LTR: "l", MQH: "m³/h", MQS: "m³/s",
  KMH: "km/h", MTS: "m/s", GRM: "g", KGM: "kg", TNE: "t", GQ: "µg/m³", GP: "mg/m³", "59": "ppm", "61": "ppb",
  A97: "hPa", KPA: "kPa", PAL: "Pa", BAR: "bar", VLT: "V", AMP: "A", WTT: "W", KWT: "kW", KWH: "kW·h", D54: "W/m²",
  LUX: "lx", "2N": "dB", HTZ: "Hz", H67: "mm/h", E34: "Gbyte", "4L": "Mbyte",
};

export function unitSymbol(code: string | null): string {
  return code === null ? "" : (UNITS[code] ?? code);
}

const locale = () => (preferences.language === "zh" ? "zh-CN" : "en-GB");

export function formatNumber(value: number): string {
  const digits = Math.abs(value) >= 1000 ? 1 : Math.abs(value) >= 1 ? 3 : 6;
  return value.toLocaleString(locale(), { maximumFractionDigits: digits });
}

export function formatInstant(iso: string | number, withSeconds = true): string {
  const moment = new Date(iso);
  if (Number.isNaN(moment.getTime())) return String(iso);
  // written as 2026-02-08 20:59:15, which nobody reads as another day
  return moment.toLocaleString("sv-SE", {
    year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
    ...(withSeconds ? { second: "2-digit" } : {}),
    ...(session.timeZone ? { timeZone: session.timeZone } : {}),
  });
}

/** Milliseconds that read as the city's wall clock when taken for UTC: for chart axes. */
export function wallClock(instant: string | number): number {
  const moment = new Date(instant).getTime();
  const offset = Date.parse(`${formatInstant(moment).replace(" ", "T")}Z`) - Math.floor(moment / 1000) * 1000;
  return moment + offset;
}

const STEPS = [[86_400, "days"], [3_600, "hours"], [60, "minutes"], [1, "seconds"]] as const;

/** "3 分钟前"; a time ahead says so. */
export function formatAge(seconds: number): string {
  const size = Math.abs(seconds);
  const [length, word] = STEPS.find(([step]) => size >= step * (step === 1 ? 1 : 2)) ?? [1, null];
  if (word === null) return say("now");
  return say(seconds < 0 ? "ahead" : "ago", { age: say(word, { count: Math.floor(size / length) }) });
}

export function attributeLabel(attribute: Attribute): string {
  const label = preferences.language === "zh" ? attribute.label_zh : attribute.label_en;
  return label || attribute.name;
}

export function qualityLabel(flag: string): string {
  const word = `quality_${flag.toLowerCase()}`;
  return isWord(word) ? say(word) : flag;
}

/** The last part of a URN or URI, for where the whole is too long. */
export function shortId(id: string): string {
  return id.split(/[:/#]/).filter(Boolean).at(-1) ?? id;
}

export function errorText(error: unknown): string {
  if (!(error instanceof ApiError)) return String(error);
  if (error.status === 0) return say("unreachable");
  return error.message || say("status", { status: error.status });
}

/** A value as one line of text; devices' text stays text. */
export function valueText(value: Json): string {
  if (value === null) return say("nothing");
  if (typeof value === "boolean") return say(value ? "yes" : "no");
  if (typeof value === "number") return formatNumber(value);
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.map(valueText).join(preferences.language === "zh" ? "、" : ", ");
  return geometryText(value) ?? languageText(value) ?? JSON.stringify(value);
}

function geometryText(value: { [member: string]: Json }): string | null {
  const { type, coordinates } = value;
  if (typeof type !== "string" || !Array.isArray(coordinates)) return null;
  const [lon, lat] = coordinates;
  if (type === "Point" && typeof lon === "number" && typeof lat === "number") return `${lon.toFixed(6)}, ${lat.toFixed(6)}`;
  return say("geometry", { kind: type });
}

function languageText(value: { [member: string]: Json }): string | null {
  const tags = Object.keys(value);
  if (!tags.length || !tags.every((tag) => /^(@none|[a-z]{2,3}(-[A-Za-z0-9]+)*)$/.test(tag))) return null;
  const wish = tags.find((tag) => tag.startsWith(preferences.language)) ?? tags.find((tag) => tag === "@none") ?? tags[0];
  const text = wish === undefined ? null : (value[wish] ?? null);
  return typeof text === "string" || Array.isArray(text) ? valueText(text) : null;
}
