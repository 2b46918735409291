/** What the city is right now, in a few figures, asked for again and again; nothing is shown that nobody measured. */
import { computed, onBeforeUnmount, reactive } from "vue";
import { get } from "../../api";
import type { Overview } from "../../centre/contract";
import { refused, session } from "../../session";
import type { Item, Vital } from "../operations/api";

const POLL_MS = 10_000;
/** Figures that mean something to everyone, the first first; those the platform keeps for itself are not among them. */
const SHOWN = ["vehicles_heard", "traffic_speed", "free_places", "air_quality", "pm25", "temperature", "noise", "river_level", "rain"];
const MOST = 6;

export type Told = Vital & { at: string | null };

export const city = reactive({
  vitals: [] as Told[],
  items: [] as Item[],
  overview: null as Overview | null,
  loaded: false,
});

export const shown = computed(() =>
  city.vitals
    .filter((vital) => vital.type !== "Feed" && vital.value !== null)
    .sort((one, other) => rank(one) - rank(other))
    .slice(0, MOST),
);

const rank = (vital: Told) => (SHOWN.includes(vital.name) ? SHOWN.indexOf(vital.name) : SHOWN.length);

async function learn<Answer>(path: string, keep: (answer: Answer) => void): Promise<void> {
  try {
    keep(await get<Answer>(path));
  } catch (error) {
    refused(error);
  }
}

async function refresh(): Promise<void> {
  if (document.hidden || session.tokenNeeded) return;
  await Promise.all([
    learn<Told[]>("/api/v1/vitals", (answer) => (city.vitals = answer)),
    learn<Item[]>("/api/v1/attention", (answer) => (city.items = answer)),
    learn<Overview>("/api/v1/catalogue", (answer) => (city.overview = answer)),
  ]);
  city.loaded = true;
}

export function watchFigures(): void {
  void refresh();
  const timer = setInterval(() => void refresh(), POLL_MS);
  onBeforeUnmount(() => clearInterval(timer));
}
