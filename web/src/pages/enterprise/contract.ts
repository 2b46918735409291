/** What the server says at the developer desk (/api/v1/developer, /api/v1/sandbox). */

export interface Allowance {
  per_minute: number | null;
  per_day: number | null;
  rows: number | null;
  /** Bytes. */
  out: number | null;
  /** Seconds. */
  sql: number | null;
}

export interface Spent {
  requests: number;
  rows: number;
  out: number;
  sql: number;
  refused: number;
}

export type Place = "city" | "sandbox";

export interface AccessKey {
  id: string;
  name: string;
  role: string;
  place: Place;
  created_at: string;
  expires_at: string;
  expired: boolean;
  used_at: string | null;
  quota: Allowance;
  spent: Spent;
}

export interface Role {
  name: string;
  label_zh: string;
  label_en: string;
  writes: boolean;
}

export interface Sandbox {
  enabled: boolean;
  work: "off" | "starting" | "running" | "failed";
  speed: number;
  day: string | null;
  from: string | null;
  to: string | null;
  at: string | null;
  rounds: number;
  entities: number;
  position: number;
  error_zh: string | null;
  error_en: string | null;
}

export interface Desk {
  base: string;
  open: boolean;
  today: string;
  roles: Role[];
  keys: AccessKey[];
  quota: Allowance;
  key_quota: Allowance;
  spent: Spent;
  days: ({ day: string } & Spent)[];
  sandbox: Sandbox;
}

export interface Interface {
  name: string;
  label_zh: string;
  label_en: string;
  what_zh: string;
  what_en: string;
  path: string;
  action: string;
  doc: string;
  examples: { tool: "curl" | "python" | "qgis" | "excel"; text: string }[];
}

/** What stands in examples where one's own key goes. */
export const KEY = "ZHICHENG_KEY";
