/** What every page knows of its city: its name, zone and now, whether the server answers, and whether it wants a token. */
import { reactive } from "vue";
import { ApiError, get } from "./api";

const POLL_MS = 5_000;

export interface CityState {
  /** Position of the log; moves with every commit. */
  position: number;
  /** The city's now: in a replay not the clock on the wall. */
  now: string;
  time_zone?: string;
  name?: { zh: string; en: string };
  /** west, south, east, north */
  bounds?: [number, number, number, number];
  centre?: [number, number];
  /** The base map's version; 0 where the city has none. */
  basemap?: number;
}

export const session = reactive({
  phase: "loading" as "loading" | "ready" | "failed",
  error: null as unknown,
  connected: true,
  tokenNeeded: false,
  position: -1,
  now: "",
  timeZone: "",
  name: null as { zh: string; en: string } | null,
  bounds: null as [number, number, number, number] | null,
  centre: null as [number, number] | null,
  basemap: 0,
});

/** Remember a failed request; true when it was for want of a token. */
export function refused(error: unknown): boolean {
  if (!(error instanceof ApiError) || error.status !== 401) return false;
  session.tokenNeeded = true;
  return true;
}

function learn(state: CityState): void {
  session.phase = "ready";
  session.connected = true;
  session.tokenNeeded = false;
  session.position = state.position;
  session.now = state.now;
  session.timeZone = state.time_zone ?? "";
  session.name = state.name ?? null;
  session.bounds = state.bounds ?? null;
  session.centre = state.centre ?? null;
  session.basemap = state.basemap ?? 0;
}

/** Ask once; what fails is kept in the session. */
export async function ask(): Promise<void> {
  try {
    learn(await get<CityState>("/api/v1/state"));
  } catch (error) {
    if (refused(error)) return;
    session.connected = false;
    session.error = error;
    if (session.phase === "loading") session.phase = "failed";
  }
}

/** Ask for as long as the page lives, but not while it is hidden. */
export async function watchSession(): Promise<never> {
  for (;;) {
    if (!document.hidden && !session.tokenNeeded) await ask();
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

