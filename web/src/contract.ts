/** What the server's /api/v1 answers; the one place where its shapes are written down on this side. */

export interface TypeInfo {
  name: string;
  iri: string;
  label_zh: string;
  label_en: string;
  count: number;
  /** How many of them have a place. */
  located: number;
  color?: string;
}

export interface Extent {
  west: number;
  south: number;
  east: number;
  north: number;
}

export interface CityState {
  /** Position of the log; moves with every commit. */
  position: number;
  /** The city's now: in a replay not the clock on the wall. */
  now: string;
  time_zone?: string;
}

export type Json = null | boolean | number | string | Json[] | { [member: string]: Json };

export interface Attribute {
  name: string;
  iri: string;
  label_zh: string | null;
  label_en: string | null;
  kind: string;
  value: Json;
  unit: string | null;
  observed_at: string | null;
  age_s: number | null;
  source: string | null;
  owner: string | null;
  classification: string | null;
  quality: string[];
  dataset: string | null;
  sub: { [name: string]: Json } | null;
  numeric: boolean;
}

export interface Entity {
  id: string;
  types: string[];
  label: string | null;
  source: string | null;
  created_at: string | null;
  modified_at: string | null;
  attributes: Attribute[];
}

/** instant, mean, least, greatest; null where a bucket is empty. */
export type NumberRow = [string, number | null, number | null, number | null];
export type TextRow = [string, string | null];

export interface History<Row> {
  unit: string | null;
  rows: Row[];
  aggregated: boolean;
}

export interface Found {
  id: string;
  type: string;
  label: string | null;
  lon: number | null;
  lat: number | null;
}

/** RFC 7807, as the server sends errors. */
export interface Problem {
  title?: string;
  detail?: string;
}
