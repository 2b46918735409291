/** What only the map asks for. */
import { get } from "../../api";

export interface Extent {
  west: number;
  south: number;
  east: number;
  north: number;
}

export interface Found {
  id: string;
  type: string;
  label: string | null;
  lon: number | null;
  lat: number | null;
}

export const api = {
  extent: (type: string) => get<Extent>(`/api/v1/types/${encodeURIComponent(type)}/extent`),
  search: (text: string, at: Date | null, signal?: AbortSignal) =>
    get<Found[]>("/api/v1/search", { text, limit: "20", ...(at ? { at: at.toISOString() } : {}) }, signal),
};
