/** What is asked of objects. */
import { get } from "../api";
import type { Entity, History, TypeInfo } from "./contract";

const entityPath = (id: string) => `/api/v1/entities/${encodeURIComponent(id)}`;

export interface Window {
  dataset?: string;
  from?: string;
  to?: string;
}

export const api = {
  types: () => get<TypeInfo[]>("/api/v1/types"),
  entity: (id: string, at: number | null, signal?: AbortSignal) =>
    get<Entity>(entityPath(id), at === null ? {} : { at: new Date(at).toISOString() }, signal),
  history: <Row>(id: string, attribute: string, window: Window, points: number, signal?: AbortSignal) =>
    get<History<Row>>(`${entityPath(id)}/history`, { attribute, ...window, points: String(points) }, signal),
};
