/** What a sign shows (docs/signs.md), asked again and again; kept, with its age, when the server does not answer. */
import { computed, onScopeDispose, reactive, ref } from "vue";
import { ApiError, get } from "../api";
import { refused, session } from "../session";

const POLL_MS = 10_000;
const PATIENCE_MS = 8_000;
/** Without an answer for so long, minutes are guesses and are not shown. */
const TRUSTED_MS = 120_000;
/** How long what should have come is still shown when nothing new is heard. */
const OVERDUE_S = 30;
const ARRIVING_S = 30;

export interface Arrival {
  minutes: number;
  arriving: boolean;
  stopsAway: number;
  time: string;
  stale: boolean;
  cancelled: boolean;
}

export interface Line {
  line: string;
  color: string | null;
  headsign: string;
  arrivals: Arrival[];
}

export interface Sign {
  at: string;
  stop: { ids: string[]; name: { zh: string; en: string }; code: string };
  lines: Line[];
  notices: { zh: string; en: string }[];
  weather: { zh: string; en: string } | null;
  stale: boolean;
}

/** The sign of some stops; `at`: as of an instant, else live. */
export function useSign(stop: string, at: string | null) {
  const told = ref<Sign | null>(null);
  const state = reactive({ missing: false, lost: false, heardAt: 0, tick: performance.now() });
  let over = false;

  async function ask(): Promise<void> {
    const query = { stop, ...(at ? { at } : {}) };
    try {
      told.value = await get<Sign>("/api/v1/apps/arrival/sign", query, AbortSignal.timeout(PATIENCE_MS));
      Object.assign(state, { missing: false, lost: false, heardAt: performance.now() });
    } catch (error) {
      if (refused(error)) return;
      state.missing = error instanceof ApiError && error.status === 404 && !told.value;
      state.lost = !state.missing;
    }
  }

  async function watch(): Promise<void> {
    while (!over) {
      if (!session.tokenNeeded) await ask();
      await new Promise((resolve) => setTimeout(resolve, session.tokenNeeded ? 1000 : POLL_MS));
    }
  }

  const timer = setInterval(() => (state.tick = performance.now()), 1000);
  onScopeDispose(() => {
    over = true;
    clearInterval(timer);
  });
  void watch();

  /** Milliseconds since the last answer. */
  const age = computed(() => (told.value ? Math.max(0, state.tick - state.heardAt) : 0));
  /** The city's now, carried on since the last answer. */
  const now = computed(() => (told.value ? Date.parse(told.value.at) + (at ? 0 : age.value) : 0));
  const trusted = computed(() => age.value < TRUSTED_MS);

  /** The arrival as of now. */
  function asOfNow(arrival: Arrival): Arrival {
    const left = Math.max(0, (Date.parse(arrival.time) - now.value) / 1000);
    return { ...arrival, minutes: Math.floor(left / 60), arriving: left < ARRIVING_S && !arrival.cancelled };
  }

  const lines = computed(() =>
    (told.value?.lines ?? [])
      .map((line) => ({
        ...line,
        arrivals: line.arrivals
          .filter((one) => age.value < PATIENCE_MS + POLL_MS || Date.parse(one.time) > now.value - OVERDUE_S * 1000)
          .map(asOfNow),
      }))
      .filter((line) => line.arrivals.length),
  );

  return { told, state, now, trusted, lines };
}

/** Black or white, whichever is read better on a colour (relative luminance of WCAG). */
export function inkOn(colour: string): string {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.36 ? "#10181f" : "#ffffff";
}
