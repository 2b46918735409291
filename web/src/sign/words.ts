/** The sign's texts, in both languages: a screen in Chinese has the English beneath. */
import { preferences } from "../preferences";
import type { Text } from "../text/words";

const WORDS = {
  line: ["线路", "Line"],
  to: ["开往", "To"],
  next: ["下一班", "Next"],
  then: ["随后", "Then"],
  minutes: ["分钟", "min"],
  stops: ["站", "stops"],
  stop: ["站", "stop"],
  arriving: ["即将到站", "Arriving"],
  cancelled: ["取消", "Cancelled"],
  silent: ["车辆失联", "No signal"],
  none: ["暂无车辆信息", "No vehicles expected"],
  no_stop: ["没有该站点", "No such stop"],
  loading: ["正在加载", "Loading"],
  lost: ["连接中断，数据截至 {time}", "Connection lost, as of {time}"],
  stale: ["数据源中断，预报可能不准", "No news of the vehicles: times may be wrong"],
  past: ["{time} 的站牌", "The sign as of {time}"],
  more: ["第 {page}/{pages} 页", "Page {page} of {pages}"],
  all_stops: ["停靠站", "Stop"],
} as const satisfies Record<string, Text>;

export type SignWord = keyof typeof WORDS;

/** The text in the language of the sign and, of a sign in Chinese, what stands beneath. */
export function both(word: SignWord, facts: Record<string, string> = {}): [string, string] {
  const [zh, en] = WORDS[word].map((text) => text.replace(/\{(\w+)\}/g, (_, key: string) => facts[key] ?? "")) as [string, string];
  return preferences.language === "zh" ? [zh, en] : [en, ""];
}

/** The same of what comes in both languages; beneath stands nothing where it would be the same. */
export function pair(text: { zh: string; en: string }): [string, string] {
  if (preferences.language === "en") return [text.en, ""];
  return [text.zh, text.en === text.zh ? "" : text.en];
}
