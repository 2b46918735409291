/** The map that is drawn now, for pages that draw over it or move it. */
import type { Map as MapLibre } from "maplibre-gl";
import { shallowRef } from "vue";

export const camera = shallowRef<MapLibre | null>(null);
