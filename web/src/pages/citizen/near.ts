/** What lies near a place, nearest first; values with their age and whether they are made up. */
import { get } from "../../api";
import type { Attribute, Entity } from "../../entity/contract";
import type { Place } from "./mine";

const EARTH_M = 6_371_009;
const MOST = 100;

interface Located {
  id: string;
  name: string;
  metres: number;
  lon: number;
  lat: number;
}

interface Simple {
  id: string;
  name?: unknown;
  location?: { type: string; coordinates: unknown };
}

export function metresBetween(one: { lon: number; lat: number }, other: { lon: number; lat: number }): number {
  const radians = Math.PI / 180;
  const [dx, dy] = [(other.lon - one.lon) * radians * Math.cos(((one.lat + other.lat) / 2) * radians), (other.lat - one.lat) * radians];
  return EARTH_M * Math.hypot(dx, dy);
}

/** Entities of a type within some metres, in rings that grow, so that few are asked for where there are many. */
export async function nearest(type: string, place: Place, reach: readonly number[], most: number, signal?: AbortSignal): Promise<Located[]> {
  for (const metres of reach) {
    const query = { type, georel: `near;maxDistance==${metres}`, geometry: "Point", coordinates: `[${place.lon},${place.lat}]`, options: "keyValues", limit: String(MOST) };
    const found = await get<Simple[]>("/ngsi-ld/v1/entities", query, signal);
    const placed = found.flatMap((one) => located(one, place));
    if (placed.length >= most || metres === reach.at(-1)) return placed.sort((a, b) => a.metres - b.metres).slice(0, most);
  }
  return [];
}

function located({ id, name, location }: Simple, place: Place): Located[] {
  const [lon, lat] = location?.type === "Point" && Array.isArray(location.coordinates) ? (location.coordinates as number[]) : [];
  if (lon === undefined || lat === undefined) return [];
  return [{ id, name: typeof name === "string" ? name : (id.split(":").at(-1) ?? id), lon, lat, metres: metresBetween(place, { lon, lat }) }];
}

export const detail = (id: string, signal?: AbortSignal) => get<Entity>(`/api/v1/entities/${encodeURIComponent(id)}`, {}, signal);

export function attributeOf(entity: Entity | null, name: string): Attribute | null {
  return entity?.attributes.find((one) => one.name === name) ?? null;
}

export function numberOf(entity: Entity | null, name: string): number | null {
  const value = attributeOf(entity, name)?.value;
  return typeof value === "number" ? value : null;
}

export const isSimulated = (entity: Entity | null) => entity?.attributes.some((one) => one.quality.includes("simulated")) ?? false;

/** Seconds since the newest of some values was observed. */
export function ageOf(entity: Entity | null, names: readonly string[]): number | null {
  const ages = names.flatMap((name) => attributeOf(entity, name)?.age_s ?? []);
  return ages.length ? Math.min(...ages) : null;
}
