/** Names of places above the markers: MapLibre finds which have room, the page writes them over the markers' canvas. */
import type { GeoJSONFeature, LngLatLike, Map as MapLibre } from "maplibre-gl";
import { preferences } from "../../preferences";
import { BIG_NAMES, SMALL_NAMES } from "./basemap";

interface Written {
  element: HTMLElement;
  at: LngLatLike;
}

const AT_MOST = 120;

function nameOf({ properties }: GeoJSONFeature): string {
  const [zh, en] = [String(properties["name"] ?? ""), String(properties["name_en"] ?? "")];
  return preferences.language === "zh" ? zh || en : en || zh;
}

/** Gives what ends it. */
export function writeNames(map: MapLibre): () => void {
  const sheet = document.createElement("div");
  sheet.className = "place-names";
  sheet.setAttribute("aria-hidden", "true");
  map.getCanvasContainer().append(sheet);
  let written: Written[] = [];

  function place(): void {
    for (const { element, at } of written) {
      const { x, y } = map.project(at);
      element.style.transform = `translate(${x}px, ${y}px) translate(-50%, -50%)`;
    }
  }

  function write(): void {
    const found = new Map<string, Written>();
    for (const id of [BIG_NAMES, SMALL_NAMES].filter((one) => map.getLayer(one))) {
      for (const feature of map.queryRenderedFeatures({ layers: [id] })) {
        const name = nameOf(feature);
        if (feature.geometry.type !== "Point" || !name || found.size >= AT_MOST) continue;
        const [lon = 0, lat = 0] = feature.geometry.coordinates;
        // neighbouring tiles both hold a name at their edge
        const key = `${name} ${lon.toFixed(2)} ${lat.toFixed(2)}`;
        if (found.has(key)) continue;
        const element = document.createElement("span");
        element.textContent = name;
        element.className = id === BIG_NAMES ? "big" : "";
        element.style.fontSize = `${(id === BIG_NAMES ? 14 : 11.5) + Math.min(4, Math.max(0, (map.getZoom() - 9) * 0.67))}px`;
        found.set(key, { element, at: [lon, lat] });
      }
    }
    written = [...found.values()];
    sheet.replaceChildren(...written.map(({ element }) => element));
    place();
  }

  map.on("idle", write);
  map.on("move", place);
  return () => {
    map.off("idle", write);
    map.off("move", place);
    sheet.remove();
  };
}
