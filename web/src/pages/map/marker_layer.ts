/** Puts the markers' canvas over MapLibre's and draws it with every move of the map, and while something glides. */
import type { Map as MapLibre } from "maplibre-gl";
import { preferences } from "../../preferences";
import type { Band, Origin } from "./bands";
import { PAPER } from "./basemap";
import { city } from "./city";
import { bands, crowding, rgb } from "./drawn";
import { mercatorX, mercatorY } from "./markers";
import { type Camera, makeOverlay } from "./overlay";
import { glided, pace } from "./pace";

const TILE_PX = 512;
/** As far from its origin a 32-bit number still tells a pixel at the deepest zoom: about 150 km. */
const FAR = 0.004;
const LONG_MS = 3_600_000;

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
  const { canvas } = overlay;
  map.getCanvasContainer().append(canvas);
  let changed = true;
  let frame = 0;
  let held: Band[] = [];
  let origin: Origin = { x: 0, y: 0, epoch: -LONG_MS };

  function camera(): Camera {
    const { lng, lat } = map.getCenter();
    const { clientWidth: width, clientHeight: height } = map.getContainer();
    return { x: mercatorX(lng), y: mercatorY(lat), world: TILE_PX * 2 ** map.getZoom(), width, height, grow: growth(map.getZoom()) };
  }

  function draw(): void {
    cancelAnimationFrame(frame);
    frame = 0;
    const now = performance.now();
    const seen = camera();
    const far = Math.abs(seen.x - origin.x) > FAR || Math.abs(seen.y - origin.y) > FAR || now - origin.epoch > LONG_MS;
    if (far) origin = { x: seen.x, y: seen.y, epoch: now };
    if (changed || far) held = bands(far, origin);
    changed = false;
    const many = held.filter((band) => band.crowds).reduce((sum, band) => sum + band.markers.length, 0);
    const edge = rgb(preferences.theme === "dark" ? PAPER.dark.land : "#ffffff");
    overlay?.draw(held, { camera: seen, origin, ratio: devicePixelRatio, crowd: crowding(many, seen.width * seen.height), edge }, pace.slow ? Infinity : now);
    // what is drawn, for whoever looks from outside
    canvas.dataset["count"] = String(held.slice(0, -1).reduce((sum, band) => sum + band.markers.length, 0));
    canvas.dataset["position"] = String(city.position);
    const gliding = !pace.slow && held.some((band) => band.until > now);
    glided(gliding, now);
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
      canvas.remove();
      overlay.dispose();
    },
  };
}
