/** What the server answers about objects and their types. */

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
