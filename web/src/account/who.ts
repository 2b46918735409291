/** Who is signed in, asked once and after each change. */
import { reactive } from "vue";
import { get, send } from "../api";
import { setToken } from "../preferences";
import { ask, session } from "../session";
import type { Who } from "./contract";

export const who = reactive({ loaded: false, said: null as Who | null });

export async function learnWho(): Promise<Who> {
  who.said = await get<Who>("/api/v1/session");
  who.loaded = true;
  return who.said;
}

/** Where to go on to after signing in: a path of this server and nothing else. */
export function nextPath(query: string): string {
  const asked = new URLSearchParams(query).get("next") ?? "/";
  const plain = asked.startsWith("/") && !asked.startsWith("//") && !asked.includes("\\");
  return plain && new URL(asked, location.origin).origin === location.origin ? asked : "/";
}

/** After signing in: as a whole, so that nothing of who was here before is left. */
export function goOn(path: string): void {
  session.tokenNeeded = false;
  location.assign(path);
}

export async function signOut(): Promise<void> {
  setToken(null);
  await send("DELETE", "/api/v1/session");
  await learnWho();
}

export async function useToken(token: string): Promise<boolean> {
  setToken(token);
  await ask();
  if (session.tokenNeeded) setToken(null);
  return !session.tokenNeeded;
}
