/** Puts the markers' canvas over MapLibre's and draws it with every move of the map, and while something glides. */
import type { Map as MapLibre } from "maplibre-gl";
import { preferences } from "../../preferences";
import { city } from "./city";
import { dots, rgb } from "./drawn";
import { mercatorX, mercatorY } from "./markers";
import { type Camera, makeOverlay, SHAPE } from "./overlay";
import { PAPER } from "./basemap";

const TILE_PX = 512;

export interface MarkerLayer {
  /** The markers have changed. */
  dirty: () => void;
  camera: () => Camera;
  detach: () => void;
}

/** Small from afar, so that thousands do not hide the city; large close by. */
export function growth(zoom: number): number {
  return Math.min(1.5, Math.max(0.45, 0.45 + (zoom - 9) * 0.14));
}

export function attach(map: MapLibre): MarkerLayer {
  const overlay = makeOverlay("markers");
  if (!overlay) throw new Error("WebGL");
  map.getCanvasContainer().append(overlay.canvas);
  let changed = true;
  let frame = 0;

  function camera(): Camera {
    const { lng, lat } = map.getCenter();
    const { clientWidth: width, clientHeight: height } = map.getContainer();
    return { x: mercatorX(lng), y: mercatorY(lat), world: TILE_PX * 2 ** map.getZoom(), width, height, grow: growth(map.getZoom()) };
  }

  function draw(): void {
    cancelAnimationFrame(frame);
    frame = 0;
    const seen = camera();
    if (changed) {
      changed = false;
      const found = dots(seen.width * seen.height);
      overlay?.fill(found, [seen.x, seen.y]);
      if (overlay) overlay.canvas.dataset["count"] = String(found.filter((dot) => dot.shape !== SHAPE.halo).length);
    }
    const edge = preferences.theme === "dark" ? PAPER.dark.land : "#ffffff";
    const gliding = overlay?.draw(seen, performance.now(), devicePixelRatio, rgb(edge));
    if (overlay) overlay.canvas.dataset["position"] = String(city.position);
    if (gliding) ask();
  }

  function ask(): void {
    if (!frame) frame = requestAnimationFrame(draw);
  }

  map.on("render", draw);
  map.on("resize", ask);

  return {
    dirty() {
      changed = true;
      ask();
    },
    camera,
    detach() {
      cancelAnimationFrame(frame);
      map.off("render", draw);
      map.off("resize", ask);
      overlay.canvas.remove();
      overlay.dispose();
    },
  };
}
