/** A place that was found, which is no entity: as it stands in the map's address. */
export interface Found {
  lon: number;
  lat: number;
  label: string;
}

export function placeText({ lat, lon, label }: Found): string {
  return `${lat},${lon},${label}`;
}

/** What `placeText` wrote; null where nobody did. */
export function placeOf(text: string | null): Found | null {
  const [, lat, lon, label = ""] = /^(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?),(.{1,200})$/.exec(text ?? "") ?? [];
  const found = { lat: Number(lat), lon: Number(lon), label };
  return Math.abs(found.lat) <= 90 && Math.abs(found.lon) <= 180 ? found : null;
}
