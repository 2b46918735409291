/** Language, theme, size of text and token: what this browser remembers. */
import { reactive, watchEffect } from "vue";

export type Language = "zh" | "en";
export type Theme = "light" | "dark";

const system = matchMedia("(prefers-color-scheme: dark)");
const asked = new URLSearchParams(location.search).get("lang");

/** Storage may be forbidden; then nothing is remembered. */
export function remembered(storage: "localStorage" | "sessionStorage", key: string): string | null {
  try {
    return window[storage].getItem(key);
  } catch {
    return null;
  }
}

export function remember(storage: "localStorage" | "sessionStorage", key: string, value: string | null): void {
  try {
    if (value === null) window[storage].removeItem(key);
    else window[storage].setItem(key, value);
  } catch {
    // kept for this page only
  }
}

function firstLanguage(): Language {
  const wish = asked ?? remembered("localStorage", "zhicheng.language") ?? "zh";
  return wish.startsWith("en") ? "en" : "zh";
}

function firstTheme(): Theme {
  const kept = remembered("localStorage", "zhicheng.theme");
  if (kept === "light" || kept === "dark") return kept;
  return system.matches ? "dark" : "light";
}

export const preferences = reactive({
  language: firstLanguage(),
  theme: firstTheme(),
  /** 大字版: everything a third larger, nothing left out. */
  large: remembered("localStorage", "zhicheng.large") === "1",
  token: remembered("sessionStorage", "zhicheng.token"),
});

if (asked) remember("localStorage", "zhicheng.language", preferences.language);

watchEffect(() => {
  document.documentElement.lang = preferences.language === "zh" ? "zh-CN" : "en";
  document.documentElement.dataset["theme"] = preferences.theme;
  document.documentElement.toggleAttribute("data-large", preferences.large);
});

system.addEventListener("change", (event) => {
  if (remembered("localStorage", "zhicheng.theme") === null) preferences.theme = event.matches ? "dark" : "light";
});

export function setLanguage(language: Language): void {
  preferences.language = language;
  remember("localStorage", "zhicheng.language", language);
}

export function setTheme(theme: Theme): void {
  preferences.theme = theme;
  remember("localStorage", "zhicheng.theme", theme);
}

export function setLarge(large: boolean): void {
  preferences.large = large;
  remember("localStorage", "zhicheng.large", large ? "1" : null);
}

export function setToken(token: string | null): void {
  preferences.token = token;
  remember("sessionStorage", "zhicheng.token", token);
}
