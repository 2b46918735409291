/** A room as this browser has it: news are waited for, what is done here is told. */
import { reactive } from "vue";
import { ApiError } from "../../api";
import { refused } from "../../session";
import { api, type Here, type Mark, type Note, type Position, type Room, type View } from "./api";

const WAIT_S = 15;
const RETRY_MS = 2_000;
const HERE_EVERY_MS = 10_000;
const CURSOR_EVERY_MS = 250;
const VIEW_EVERY_MS = 400;
const NAME = "zhicheng.name";

function remembered(): string {
  try {
    return localStorage.getItem(NAME) ?? "";
  } catch {
    return "";
  }
}

export const room = reactive({
  key: "",
  doc: null as Room | null,
  marks: {} as Record<string, Mark>,
  notes: [] as Note[],
  people: [] as Here[],
  /** By what name the server knows who sits here. */
  me: "",
  /** The name that is given in a city that is open to all. */
  name: remembered(),
  following: true,
  error: null as unknown,
});

const session = Math.random().toString(36).slice(2, 12);
let waiting: AbortController | null = null;
let cursor: Position | null = null;

export function callMe(name: string): void {
  room.name = name.trim().slice(0, 40);
  try {
    localStorage.setItem(NAME, room.name);
  } catch {
    // kept for this page only
  }
}

export const presenting = (): boolean => room.doc?.status === "open" && room.doc.presenter === room.me && room.me !== "";

async function listen(key: string, stop: AbortController): Promise<void> {
  let [turn, position, wait] = [-1, 0, 0];
  while (!stop.signal.aborted) {
    try {
      const news = await api.news(key, turn, position, wait, room.name, stop.signal);
      [turn, position, wait] = [news.turn, news.position, WAIT_S];
      room.doc = news.room;
      room.me = news.me;
      room.people = news.people;
      for (const mark of news.marks) {
        if (mark.status === "removed") delete room.marks[mark.id];
        else room.marks[mark.id] = mark;
      }
      const known = new Set(room.notes.map((note) => note.id));
      room.notes.push(...news.notes.filter((note) => !known.has(note.id)));
      room.error = null;
    } catch (error) {
      if (stop.signal.aborted) return;
      if (!refused(error)) room.error = error;
      if (error instanceof ApiError && error.status === 404) return;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

async function tellHere(left = false): Promise<void> {
  if (!room.doc || room.doc.status !== "open") return;
  try {
    await api.here(room.key, session, { cursor, following: room.following, ...(left ? { left } : {}) }, room.name || "…");
  } catch {
    // said again soon
  }
}

/** Be in a room until the function that is given back is called. */
export function enter(key: string): () => void {
  Object.assign(room, { key, doc: null, marks: {}, notes: [], people: [], following: true, error: null });
  waiting = new AbortController();
  const stop = waiting;
  void listen(key, stop).then(() => undefined);
  const timer = setInterval(() => void tellHere(), HERE_EVERY_MS);
  const first = setTimeout(() => void tellHere(), 500);
  return () => {
    clearInterval(timer);
    clearTimeout(first);
    void tellHere(true);
    stop.abort();
  };
}

let pointed = 0;

export function pointAt(position: Position | null): void {
  cursor = position;
  const now = Date.now();
  if (now - pointed < CURSOR_EVERY_MS) return;
  pointed = now;
  void tellHere();
}

export function follow(following: boolean): void {
  if (room.following === following) return;
  room.following = following;
  void tellHere();
}

let shown = 0;

/** Show others what is seen here, now or a moment later. */
export function showView(view: View): void {
  clearTimeout(shown);
  shown = window.setTimeout(() => {
    const same = JSON.stringify(view) === JSON.stringify(room.doc?.view);
    if (presenting() && !same) api.view(room.key, view, room.name).catch(failed);
  }, VIEW_EVERY_MS);
}

export function failed(error: unknown): void {
  if (!refused(error)) room.error = error;
}
