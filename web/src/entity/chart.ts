/** The history line; this file brings ECharts and is loaded when the first chart is opened. */
import { LineChart, type LineSeriesOption } from "echarts/charts";
import { GridComponent, TooltipComponent, type GridComponentOption, type TooltipComponentOption } from "echarts/components";
import { init, use, type ComposeOption } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import type { NumberRow } from "./contract";
import { formatInstant, formatNumber, wallClock } from "../text/format";
import { say as sayShared } from "../text/words";
import { say } from "./words";

use([LineChart, GridComponent, TooltipComponent, CanvasRenderer]);

type Option = ComposeOption<LineSeriesOption | GridComponentOption | TooltipComponentOption>;

export interface Drawing {
  rows: NumberRow[];
  unit: string;
  aggregated: boolean;
  from: number | null;
  to: number | null;
}

export interface Chart {
  draw: (drawing: Drawing) => void;
  resize: () => void;
  dispose: () => void;
}

const ink = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export function openChart(box: HTMLElement): Chart {
  const chart = init(box, undefined, { renderer: "canvas" });
  return {
    draw: (drawing) => chart.setOption(optionOf(drawing), true),
    resize: () => chart.resize(),
    dispose: () => chart.dispose(),
  };
}

function optionOf({ rows, unit, aggregated, from, to }: Drawing): Option {
  const text = { color: ink("--muted"), fontSize: 11, fontFamily: ink("--font") };
  const grid = { color: ink("--line") };
  return {
    animation: false,
    useUTC: true,
    grid: { left: 4, right: 14, top: 26, bottom: 4, containLabel: true },
    xAxis: {
      type: "time",
      ...(from === null ? {} : { min: wallClock(from) }),
      ...(to === null ? {} : { max: wallClock(to) }),
      axisLabel: { ...text, hideOverlap: true },
      axisLine: { lineStyle: grid },
      axisTick: { lineStyle: grid },
      splitLine: { show: false },
    },
    yAxis: {
      type: "value",
      scale: true,
      name: unit,
      nameTextStyle: { ...text, align: "left" },
      axisLabel: { ...text, formatter: (value: number) => formatNumber(value) },
      splitLine: { lineStyle: grid },
      splitNumber: 4,
    },
    // drawn on the canvas, never as markup: texts may come from devices
    tooltip: {
      trigger: "axis",
      renderMode: "richText",
      backgroundColor: ink("--surface"),
      borderColor: ink("--line"),
      padding: 8,
      textStyle: { ...text, color: ink("--text"), fontSize: 12 },
      confine: true,
      formatter: (points) => tip(rows, points, unit, aggregated),
    },
    series: [...(aggregated ? band(rows) : []), line(rows)],
  };
}

function tip(rows: NumberRow[], points: unknown, unit: string, aggregated: boolean): string {
  const index = (points as { dataIndex: number }[])[0]?.dataIndex;
  const row = index === undefined ? undefined : rows[index];
  if (!row) return "";
  const [time, mean, least, greatest] = row;
  const shown = (value: number | null) => (value === null ? sayShared("nothing") : `${formatNumber(value)} ${unit}`);
  const lines = [formatInstant(time)];
  if (!aggregated) return [...lines, shown(mean)].join("\n");
  return [...lines, `${say("mean")} ${shown(mean)}`, `${say("least")} ${shown(least)}`, `${say("greatest")} ${shown(greatest)}`].join("\n");
}

/** Least to greatest: an unseen line, and the difference stacked on it. */
function band(rows: NumberRow[]): LineSeriesOption[] {
  const shared = { type: "line" as const, stack: "band", symbol: "none", silent: true, lineStyle: { opacity: 0 }, stackStrategy: "all" as const };
  return [
    { ...shared, data: rows.map(([time, , least]) => [wallClock(time), least]) },
    {
      ...shared,
      areaStyle: { color: ink("--accent"), opacity: 0.16 },
      data: rows.map(([time, , least, greatest]) => [wallClock(time), least === null || greatest === null ? null : greatest - least]),
    },
  ];
}

function line(rows: NumberRow[]): LineSeriesOption {
  return {
    type: "line",
    data: rows.map(([time, mean]) => [wallClock(time), mean]),
    symbol: "circle",
    symbolSize: 4,
    showSymbol: rows.length < 60,
    lineStyle: { width: 1.8, color: ink("--accent") },
    itemStyle: { color: ink("--accent") },
  };
}
