/** The shared view and the map: what a presenter sees is told, what is told is seen by who follows. */
import { onBeforeUnmount, watch } from "vue";
import { camera } from "../map/camera";
import { choiceOf, layers } from "../map/layers";
import { goLive, lookAt, time } from "../map/time";
import type { View } from "./api";
import { follow, presenting, room, showView } from "./room";

const DIGITS = 6;

const round = (value: number) => Number(value.toFixed(DIGITS));

export function seen(): View {
  const centre = camera.value?.getCenter();
  return {
    ...(centre ? { centre: [round(centre.lng), round(centre.lat)] as [number, number], zoom: round(camera.value?.getZoom() ?? 0) } : {}),
    ...(time.at === null ? {} : { at: new Date(time.at).toISOString() }),
    layers: layers.list.filter((layer) => choiceOf(layer.key).shown).map((layer) => layer.key),
  };
}

function apply(view: View): void {
  const map = camera.value;
  const centre = map?.getCenter();
  if (map && view.centre && centre) {
    const zoom = view.zoom ?? map.getZoom();
    const [lon, lat] = view.centre;
    const moved = Math.hypot(centre.lng - lon, centre.lat - lat) > 1e-5 || Math.abs(map.getZoom() - zoom) > 0.01;
    if (moved) map.easeTo({ center: view.centre, zoom, duration: 500 });
  }
  if (view.at) lookAt(Date.parse(view.at));
  else if (time.at !== null) goLive();
  const wished = view.layers;
  if (wished) for (const layer of layers.list) if (layers.choices[layer.key]) layers.choices[layer.key]!.shown = wished.includes(layer.key);
}

export function useSharedView(): void {
  const tell = () => presenting() && showView(seen());
  /** Who takes the map in hand follows no more. */
  const taken = (event: { originalEvent?: unknown }) => event.originalEvent && !presenting() && follow(false);
  watch(camera, (map, _, cleanup) => {
    if (!map) return;
    map.on("moveend", tell);
    map.on("dragstart", taken);
    map.on("zoomstart", taken);
    cleanup(() => {
      map.off("moveend", tell);
      map.off("dragstart", taken);
      map.off("zoomstart", taken);
    });
  }, { immediate: true });
  watch(() => [time.at, layers.list.filter((layer) => choiceOf(layer.key).shown).map((layer) => layer.key).join()], tell);
  watch(
    () => [JSON.stringify(room.doc?.view ?? null), room.following, camera.value !== null, layers.list.length > 0] as const,
    ([text, following, ready]) => {
      const view = JSON.parse(text) as View | null;
      if (view && ready && following && !presenting()) apply(view);
    },
    { immediate: true },
  );
  onBeforeUnmount(() => goLive());
}
