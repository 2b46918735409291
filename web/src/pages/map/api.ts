/** What only the map asks for. */
import { get } from "../../api";

export interface Extent {
  west: number;
  south: number;
  east: number;
  north: number;
}

export const api = {
  extent: (type: string) => get<Extent>(`/api/v1/types/${encodeURIComponent(type)}/extent`),
};
