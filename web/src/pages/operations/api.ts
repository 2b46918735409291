/** What the operations centre asks the server for. */
import { get, send } from "../../api";

export type Standing = "good" | "watch" | "bad" | "unknown";

export interface Vital {
  name: string;
  label_zh: string;
  label_en: string;
  /** The entity that holds its course. */
  entity: string;
  type: string;
  attribute: string | null;
  aggregate: string;
  q: string | null;
  symbol: string;
  value: number | null;
  counted: number;
  silent: number;
  standing: Standing;
  why_zh: string;
  why_en: string;
  watch: number | null;
  alarm: number | null;
  usual: { low: number | null; middle: number | null; high: number | null };
  /** The past day; instants in seconds since 1970. */
  trend: { at: number[]; value: (number | null)[] };
  /** What was usual at each half hour of the past day and the next hours. */
  band: { at: number[]; low: (number | null)[]; middle: (number | null)[]; high: (number | null)[] };
}

export interface Maker {
  id: string;
  label: string | null;
  value: number | null;
  at: string;
  lon?: number;
  lat?: number;
}

export type Why = Vital & { total: number; entities: Maker[] };

export type Severity = "informational" | "low" | "medium" | "high" | "critical";

export interface Item {
  id: string;
  kind: "feed" | "application" | "vital" | "value" | "alert";
  severity: Severity;
  status: "open" | "acknowledged" | "closed";
  since: string;
  title_zh: string;
  title_en: string;
  reason_zh: string;
  reason_en: string;
  concerns: string[];
  acknowledged_by: string | null;
  acknowledged_at: string | null;
  remark: string | null;
  version: number;
}

export const api = {
  vitals: () => get<Vital[]>("/api/v1/vitals"),
  why: (name: string) => get<Why>(`/api/v1/vitals/${encodeURIComponent(name)}/why`, { limit: "50" }),
  attention: () => get<Item[]>("/api/v1/attention"),
  acknowledge: (id: string, note: string) => send<Item>("POST", `/api/v1/attention/${encodeURIComponent(id)}/acknowledge`, { note }),
};
