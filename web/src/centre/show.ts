/** How the centre writes names, shares, counts and links. */
import { preferences } from "../preferences";
import { formatAge, formatNumber } from "../text/format";
import type { Line, Named } from "./contract";

export function labelOf(named: Named): string {
  return preferences.language === "zh" ? named.label_zh : named.label_en;
}

export function typeOf(line: Line): string {
  return preferences.language === "zh" ? line.type_zh : line.type_en;
}

export function percent(share: number | null): string {
  if (share === null) return "–";
  const value = share * 100;
  return `${value >= 99.95 || value === 0 || value >= 10 ? Math.round(value) : value.toFixed(1)}%`;
}

/** 12,345 as it is; above a million 1.2 M (123 万 in Chinese). */
export function compact(value: number | null): string {
  if (value === null) return "–";
  if (preferences.language === "zh") {
    if (value >= 1e8) return `${(value / 1e8).toFixed(2)} 亿`;
    if (value >= 1e5) return `${(value / 1e4).toFixed(1)} 万`;
    return formatNumber(value);
  }
  if (value >= 1e9) return `${(value / 1e9).toFixed(2)} bn`;
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M`;
  return formatNumber(value);
}

/** A length of time: 8 s, 3 min. */
export function span(seconds: number): string {
  if (seconds < 1) return preferences.language === "zh" ? "不到 1 秒" : "under 1 s";
  return formatAge(seconds).replace(/前$| ago$/, "");
}

export function bytes(value: number): string {
  const steps = ["B", "kB", "MB", "GB", "TB"];
  let size = value;
  let at = 0;
  while (size >= 1000 && at < steps.length - 1) {
    size /= 1000;
    at += 1;
  }
  return `${size >= 100 || at === 0 ? Math.round(size) : size.toFixed(1)} ${steps[at]}`;
}

/** The page that shows what an address of the interface lists. */
export function pageOfList(list: string): string {
  const [path = "", query = ""] = list.split("?");
  const separator = query ? "&" : "";
  return `/resources/list?${query}${separator}of=${encodeURIComponent(path)}`;
}

export function pageOfSql(sql: string): string {
  return `/sql?q=${encodeURIComponent(sql)}`;
}

export function pageOfObject(id: string): string {
  return `/object/${encodeURIComponent(id)}`;
}
