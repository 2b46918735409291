/** What numbers of air and weather mean in words. */
import type { Entity } from "../../entity/contract";
import { numberOf } from "./near";
import type { Word } from "./words";

type Steps = readonly number[];
/** Individual indexes and the concentrations at which they are reached, µg/m³ (HJ 633-2012, table 1). */
const INDEX: Steps = [0, 50, 100, 150, 200, 300, 400, 500];
const BREAKS: Record<string, Steps> = {
  pm25: [0, 35, 75, 115, 150, 250, 350, 500],
  pm10: [0, 50, 150, 250, 350, 420, 500, 600],
  o3: [0, 160, 200, 300, 400, 800, 1000, 1200],
  no2: [0, 100, 200, 700, 1200, 2340, 3090, 3840],
};
export const POLLUTANTS: Record<string, string> = { pm25: "PM2.5", pm10: "PM10", o3: "O₃", no2: "NO₂" };
const GRADES: Steps = [50, 100, 150, 200, 300];

export interface Air {
  index: number;
  /** 0 excellent to 5 severe. */
  grade: number;
  /** What it comes from; nothing is named for excellent air. */
  main: string | null;
}

function individual(value: number, breaks: Steps): number {
  const step = breaks.findIndex((most) => value <= most);
  if (step <= 0) return step === 0 ? 0 : 500;
  const [low, high] = [breaks[step - 1] ?? 0, breaks[step] ?? 1];
  const [from, to] = [INDEX[step - 1] ?? 0, INDEX[step] ?? 0];
  return Math.ceil(from + ((value - low) / (high - low)) * (to - from));
}

/** From an index that is given, else from concentrations as they were measured last. */
export function airOf(entity: Entity | null): Air | null {
  const told = numberOf(entity, "airQualityIndex");
  const found = Object.entries(BREAKS).flatMap(([name, breaks]) => {
    const value = numberOf(entity, name);
    return value === null || value < 0 ? [] : [{ name, index: individual(value, breaks) }];
  });
  const worst = found.sort((one, other) => other.index - one.index)[0];
  const index = told ?? worst?.index;
  if (index === undefined) return null;
  const grade = GRADES.filter((most) => index > most).length;
  return { index: Math.round(index), grade, main: grade > 0 && worst ? (POLLUTANTS[worst.name] ?? null) : null };
}

/** Rain of the last hour, mm (GB/T 28592 tells rain by 12 and 24 hours; these are words for a glance). */
export function rainWord(amount: number): Word {
  return amount < 0.1 ? "rain_none" : amount < 2.5 ? "rain_light" : amount < 8 ? "rain_moderate" : "rain_heavy";
}

/** Wind by metres a second, as the grades of GB/T 28591 divide it. */
export function windWord(speed: number): Word {
  return speed < 1.6 ? "wind_0" : speed < 3.4 ? "wind_2" : speed < 5.5 ? "wind_3" : speed < 8 ? "wind_4" : speed < 10.8 ? "wind_5" : "wind_6";
}

export function humidityWord(share: number): Word {
  const part = share > 1 ? share / 100 : share;
  return part > 0.8 ? "humid" : part < 0.3 ? "dry" : "fair";
}
