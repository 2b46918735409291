/** How texts are kept in Chinese and English, and those that every page shares; a page has its own in its words.ts. */
import { preferences } from "../preferences";

export type Text = readonly [zh: string, en: string];
export type Facts = Record<string, string | number>;

export function inLanguage(text: Text): string {
  return text[preferences.language === "zh" ? 0 : 1];
}

/** `say(word)` for a page's words: the text in the language in use; {name} is filled in. */
export function sayer<Words extends Record<string, Text>>(words: Words) {
  return (word: keyof Words & string, facts: Facts = {}): string =>
    inLanguage(words[word] as Text).replace(/\{(\w+)\}/g, (_, key: string) => String(facts[key] ?? ""));
}

const WORDS = {
  brand: ["智城", "Zhicheng"],
  pages: ["页面", "Pages"],
  no_page: ["没有该页面", "There is no such page"],
  home: ["回到首页", "To the first page"],
  clear: ["清除", "Clear"],
  language: ["EN：Switch to English", "中：切换到中文"],
  dark: ["切换到深色", "Switch to dark"],
  light: ["切换到浅色", "Switch to light"],
  large: ["大字版", "A+ Large text"],
  account: ["我的账号：{name}", "My account: {name}"],
  people: ["管理账号", "Manage accounts"],
  audit: ["审计日志", "The log of acts"],
  close: ["关闭", "Close"],
  back: ["返回", "Back"],
  retry: ["重试", "Try again"],
  loading: ["正在加载…", "Loading…"],
  failed: ["加载失败", "Could not be loaded"],
  unreachable: ["无法连接服务器。请确认服务正在运行。", "The server cannot be reached. Check that it is running."],
  status: ["服务器返回错误 {status}", "The server answered with error {status}"],
  sign_in: ["登录", "Sign in"],
  yes: ["是", "yes"],
  no: ["否", "no"],
  nothing: ["无", "none"],
  geometry: ["几何：{kind}", "Geometry: {kind}"],
  now: ["刚刚", "just now"],
  ahead: ["{age}后", "in {age}"],
  ago: ["{age}前", "{age} ago"],
  seconds: ["{count} 秒", "{count} s"],
  minutes: ["{count} 分钟", "{count} min"],
  hours: ["{count} 小时", "{count} h"],
  days: ["{count} 天", "{count} d"],
  quality_future: ["时间超前", "future time"],
  quality_estimated: ["推算", "estimated"],
  quality_model: ["不符合模型", "breaks its model"],
  quality_range: ["超出范围", "out of range"],
  quality_simulated: ["模拟", "simulated"],
  live: ["实时", "Live"],
  offline: ["连接中断，正在重试", "Connection lost, trying again"],
  city_time: ["城市时间", "City time"],
} as const satisfies Record<string, Text>;

export type Word = keyof typeof WORDS;

export const say = sayer(WORDS);

export function isWord(word: string): word is Word {
  return word in WORDS;
}
