/** Where a hit of the search leads to. */
import type { Hit } from "./find";

const CLOSE = 16;

export function pageOfHit(hit: Hit): string {
  const id = encodeURIComponent(hit.id);
  if (hit.kind === "page" || hit.kind === "document") return hit.id;
  if (hit.kind === "line") return `/citizen?line=${id}`;
  if (hit.kind === "stop") return `/citizen?stop=${id}`;
  if (hit.kind === "place") return `/map#${CLOSE}/${hit.lat}/${hit.lon}`;
  return `/object/${id}`;
}
