/** What a citizen has chosen: kept in this browser and nowhere else. */
import { computed, reactive, watch } from "vue";
import { remember, remembered } from "../../preferences";
import { session } from "../../session";
import { say } from "./words";

export interface Place {
  name: string;
  lon: number;
  lat: number;
}

export interface Named {
  id: string;
  name: string;
}

interface Mine {
  place: Place | null;
  stop: Named | null;
  line: Named | null;
}

const KEY = "zhicheng.citizen";
const METRE_DECIMALS = 3;

function kept(): Mine {
  const none = { place: null, stop: null, line: null };
  try {
    const found = JSON.parse(remembered("localStorage", KEY) ?? "{}") as Partial<Mine>;
    return { place: isPlace(found.place) ? found.place : null, stop: isNamed(found.stop) ? found.stop : null, line: isNamed(found.line) ? found.line : null };
  } catch {
    return none;
  }
}

const isNamed = (one: unknown): one is Named => typeof one === "object" && one !== null && typeof (one as Named).id === "string" && typeof (one as Named).name === "string";
const isPlace = (one: unknown): one is Place => typeof one === "object" && one !== null && [(one as Place).lon, (one as Place).lat].every(Number.isFinite) && typeof (one as Place).name === "string";

export const mine = reactive<Mine>(kept());

watch(mine, (now) => remember("localStorage", KEY, now.place || now.stop || now.line ? JSON.stringify(now) : null));

/** About 100 metres: what is asked of the server says no more of where somebody is. */
export function rounded(degrees: number): number {
  return Number(degrees.toFixed(METRE_DECIMALS));
}

/** Where to look for what is near: the chosen place, else the city's centre. */
export const here = computed<Place | null>(() => {
  if (mine.place) return mine.place;
  if (!session.centre) return null;
  return { name: say("centre"), lon: rounded(session.centre[0]), lat: rounded(session.centre[1]) };
});

export function forget(): void {
  Object.assign(mine, { place: null, stop: null, line: null });
}
