/** The applications, for values that one of them wrote: what it is and what it reads. */
import { shallowRef } from "vue";
import { get } from "../api";
import { preferences } from "../preferences";

export interface AppInfo {
  name: string;
  label_zh: string;
  label_en: string;
  description_zh: string;
  description_en: string;
  reads: { type: string; attributes: string[] }[];
  writes: { type: string; attributes: string[] }[];
}

const SOURCE = "app:";
const apps = shallowRef(new Map<string, AppInfo>());
let asked = false;

/** Asked for when the first value of an application is seen. */
async function load(): Promise<void> {
  if (asked) return;
  asked = true;
  try {
    apps.value = new Map((await get<AppInfo[]>("/api/v1/apps")).map((app) => [app.name, app]));
  } catch {
    asked = false;
  }
}

/** The name of the application that a source names; null where a value was observed or entered. */
export function appName(source: string | null): string | null {
  if (!source?.startsWith(SOURCE)) return null;
  void load();
  return source.slice(SOURCE.length);
}

export const appOf = (name: string): AppInfo | undefined => apps.value.get(name);

export function inOwnLanguage(app: AppInfo, what: "label" | "description"): string {
  return preferences.language === "zh" ? app[`${what}_zh`] : app[`${what}_en`];
}
