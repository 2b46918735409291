/** The chart of an answer; this file brings ECharts and is loaded when the first one is drawn. */
import { BarChart, LineChart, ScatterChart } from "echarts/charts";
import { GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { formatNumber, wallClock } from "../text/format";
import { cellText, type Answer, type Cell } from "../pages/sql/ask";

use([BarChart, LineChart, ScatterChart, GridComponent, LegendComponent, TooltipComponent, CanvasRenderer]);

export interface Drawing {
  answer: Answer;
  kind: "line" | "bar" | "scatter";
  x: number;
  y: number;
  split: number;
}
const SERIES_AT_MOST = 12;
const COLOURS = ["#0b6ea8", "#d1720b", "#2d8a56", "#a23b72", "#6b5bb5", "#8a6d1d", "#3a9ea5", "#b3261e", "#5f7d1f", "#4a5a68", "#c55a9b", "#1f5fd0"];
const ink = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export function openChart(box: HTMLElement) {
  const chart = init(box, undefined, { renderer: "canvas" });
  return {
    draw: (drawing: Drawing) => chart.setOption(option(drawing), true),
    resize: () => chart.resize(),
    dispose: () => chart.dispose(),
  };
}

function option({ answer, kind, x, y, split }: Drawing) {
  const across = answer.columns[x];
  const timed = across?.type === "time";
  const numeric = across?.type === "number" && kind !== "bar";
  const place = (value: Cell) => (timed ? wallClock(String(value)) : numeric ? Number(value) : cellText(value));
  const series = new Map<string, [string | number, number | null][]>();
  for (let row = 0; row < answer.rows; row += 1) {
    const key = split < 0 ? (answer.columns[y]?.name ?? "") : cellText(answer.data[split]?.[row] ?? null);
    const value = answer.data[y]?.[row] ?? null;
    const points = series.get(key) ?? [];
    points.push([place(answer.data[x]?.[row] ?? null), typeof value === "number" ? value : value === null ? null : Number(value)]);
    series.set(key, points);
  }
  const text = { color: ink("--muted"), fontSize: 12, fontFamily: ink("--font") };
  const grid = { lineStyle: { color: ink("--line") } };
  const shown = [...series.entries()].slice(0, SERIES_AT_MOST);
  return {
    animation: false,
    useUTC: true,
    color: COLOURS,
    grid: { left: 12, right: 24, top: shown.length > 1 ? 40 : 20, bottom: 8, containLabel: true },
    ...(shown.length > 1 ? { legend: { type: "plain", textStyle: text, top: 4 } } : {}),
    xAxis: { type: timed ? "time" : numeric ? "value" : "category", scale: true, axisLabel: { ...text, hideOverlap: true }, axisLine: grid, splitLine: { show: false } },
    yAxis: { type: "value", scale: kind !== "bar", axisLabel: { ...text, formatter: (value: number) => formatNumber(value) }, splitLine: grid },
    // drawn on the canvas, never as markup: texts may come from devices
    tooltip: { trigger: kind === "scatter" ? "item" : "axis", renderMode: "richText", confine: true, backgroundColor: ink("--surface"), borderColor: ink("--line"), textStyle: { ...text, color: ink("--text") } },
    series: shown.map(([name, data]) => ({ name, type: kind, data, showSymbol: data.length < 80, symbolSize: 5, lineStyle: { width: 2 }, barMaxWidth: 36, itemStyle: { borderRadius: kind === "bar" ? [3, 3, 0, 0] : 0 } })),
  };
}
