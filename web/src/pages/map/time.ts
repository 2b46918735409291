/** When the map looks at: live, an instant of the past, or a replay of it. */
import { computed, reactive } from "vue";
import { get } from "../../api";
import { session } from "../../session";
import type { Clock } from "../../stream";

export const SPEEDS = [1, 10, 60, 300, 600] as const;
export const SPANS = { span_1h: 3_600, span_6h: 21_600, span_24h: 86_400, span_7d: 604_800, span_all: null } as const;
export type Span = keyof typeof SPANS;

export const STEPS = 144;
const MINUTE_MS = 60_000;

interface Timeline {
  from: string;
  to: string;
  now: string;
  first: string | null;
  counts: number[];
}

const asked = Date.parse(new URLSearchParams(location.search).get("at") ?? "");

export const time = reactive({
  /** The instant that is looked at (ms); null: live. While a replay runs, where it began. */
  at: (Number.isNaN(asked) ? null : asked) as number | null,
  playing: false,
  speed: 60 as number,
  /** The instant that is shown (ms), as the server last said, or as the slider is dragged to. */
  shown: Number.isNaN(asked) ? 0 : asked,
  span: "span_24h" as Span,
  from: 0,
  to: 0,
  first: null as number | null,
  counts: [] as number[],
});

export const past = computed(() => time.at !== null);
export const stepMs = computed(() => Math.max(1000, (time.to - time.from) / STEPS));

/** The past instant, moving on only every so many seconds of whoever looks: for what is asked for and not streamed. */
export function settled(seconds: number): number | null {
  if (time.at === null) return null;
  const step = seconds * 1000 * (time.playing ? time.speed : 1);
  return Math.floor(time.shown / step) * step;
}

const cityNow = () => (session.now ? Date.parse(session.now) : Date.now());

/** A city that runs since an hour is not drawn on a week. */
function fitting(ms: number): Span {
  const [found] = Object.entries(SPANS).find(([, seconds]) => seconds !== null && ms <= seconds * 1000) ?? ["span_24h"];
  return found === "span_7d" ? "span_24h" : (found as Span);
}

export async function loadTimeline(): Promise<void> {
  const now = cityNow();
  const seconds = SPANS[time.span];
  const from = seconds === null ? (time.first ?? now - 86_400_000) : now - seconds * 1000;
  const to = Math.max(now, from + MINUTE_MS);
  const answer = await get<Timeline>("/api/v1/timeline", { from: new Date(from).toISOString(), to: new Date(to).toISOString(), steps: String(STEPS) });
  time.from = from;
  time.to = to;
  const unknown = time.first === null;
  time.first = answer.first === null ? null : Date.parse(answer.first);
  if (unknown && time.first !== null) time.span = fitting(now - time.first);
  time.counts = answer.counts;
}

export function lookAt(instant: number): void {
  const now = cityNow();
  if (instant >= now - 500) return goLive();
  time.playing = false;
  time.at = time.shown = Math.max(instant, time.first ?? -Infinity);
}

export function goLive(): void {
  time.at = null;
  time.playing = false;
  time.shown = cityNow();
}

export function play(): void {
  // from now on there is nothing to replay: the last part of what is drawn is
  if (time.at === null) time.shown = Math.max(time.first ?? time.from, cityNow() - (time.to - time.from) / 4);
  time.at = time.shown;
  time.playing = true;
}

export function pause(): void {
  time.at = time.shown;
  time.playing = false;
}

export function takeClock(clock: Clock): void {
  const now = Date.parse(clock.now);
  if (clock.mode === "live") {
    session.now = clock.now;
    // a replay that has reached now goes on live
    if (time.playing) {
      time.at = null;
      time.playing = false;
    }
  }
  if (time.at === null ? clock.mode === "live" : time.playing && clock.mode === "replay") time.shown = now;
}
