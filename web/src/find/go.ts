/** Where a hit of the search leads to. */
import type { Hit } from "./find";
import { placeText } from "./place";

const CLOSE = 16;

export function pageOfHit(hit: Hit): string {
  const id = encodeURIComponent(hit.id);
  if (hit.kind === "page" || hit.kind === "document") return hit.id;
  if (hit.kind === "line") return `/citizen?line=${id}`;
  if (hit.kind === "stop") return `/citizen?stop=${id}`;
  if (hit.kind === "place") {
    const { lat = 0, lon = 0, label } = hit;
    return `/map?place=${encodeURIComponent(placeText({ lat, lon, label }))}#${CLOSE}/${lat}/${lon}`;
  }
  return `/object/${id}`;
}
