/** The live stream of /api/v1/stream: says what is looked at, takes what changes, and comes back after a break. */
import { preferences } from "./preferences";

export interface WatchedLayer {
  key: string;
  type: string;
  attribute: string | null;
  q: string | null;
}

export interface Watch {
  /** west, south, east, north */
  box: [number, number, number, number];
  zoom: number;
  /** null: live */
  at: string | null;
  /** 0: still; else so many times as fast as life */
  speed: number;
  layers: WatchedLayer[];
}

export type Value = number | string | boolean | null;

export interface Clock {
  kind: "clock";
  now: string;
  position: number;
  mode: "live" | "past" | "replay";
}

/** Rows of one layer in one tile, column by column; `count`: they are clusters. */
export interface Features {
  kind: "features";
  layer: string;
  tile: string;
  whole: boolean;
  position: number;
  id: string[];
  label: (string | null)[];
  lon: number[];
  lat: number[];
  value: Value[];
  at: (number | null)[];
  stale: (0 | 1)[];
  count?: number[];
  gone?: string[];
}

/** The tiles of the watch: what the page has of others, it may forget once the round is over. */
export interface Tiles {
  kind: "tiles";
  tiles: string[];
}

export interface Shapes {
  kind: "shapes";
  layer: string;
  position: number;
}

export interface Refusal {
  kind: "error";
  status: number;
  code: string;
  title?: string | { zh: string; en: string };
  detail?: string | { zh: string; en: string };
}

type Message = Clock | Tiles | Features | Shapes | Refusal;

export interface Listener {
  clock: (clock: Clock) => void;
  features: (features: Features) => void;
  tiles: (tiles: Tiles) => void;
  shapes: (shapes: Shapes) => void;
  refused: (refusal: Refusal) => void;
  /** `attempts`: how often it was tried in vain since it last went well. */
  connected: (connected: boolean, attempts: number) => void;
}

export interface Stream {
  watch: (watch: Watch) => void;
  close: () => void;
}

const PATH = "/api/v1/stream";
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
/** The server speaks every 5 s at least; silence for longer is a break that nobody told of. */
const SILENCE_MS = 15_000;

/** Twice as long after each failure, and not at the same moment as everybody else. */
export function waitAfter(attempts: number, chance = Math.random()): number {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempts) * (0.5 + chance / 2);
}

function protocols(): string[] {
  return preferences.token ? ["zhicheng.v1", `bearer.${preferences.token}`] : ["zhicheng.v1"];
}

/** One connection for as long as it is not closed; each watch replaces the one before. */
export function openStream(listener: Listener): Stream {
  let socket: WebSocket | null = null;
  let wanted: Watch | null = null;
  let position: number | null = null;
  let attempts = 0;
  let retry = 0;
  let silence = 0;
  let closed = false;

  function heard(message: Message): void {
    if ("position" in message) position = message.position;
    if (message.kind === "clock") listener.clock(message);
    else if (message.kind === "features") listener.features(message);
    else if (message.kind === "tiles") listener.tiles(message);
    else if (message.kind === "shapes") listener.shapes(message);
    else if (message.kind === "error") listener.refused(message);
  }

  function listen(): void {
    clearTimeout(silence);
    silence = setTimeout(lost, SILENCE_MS);
  }

  function send(since: number | null): void {
    if (wanted && socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ watch: { ...wanted, since } }));
  }

  function connect(): void {
    clearTimeout(retry);
    if (closed || socket) return;
    const mine = (socket = new WebSocket(`${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${PATH}`, protocols()));
    mine.onopen = () => {
      // what is asked anew after a break begins where the last message left off
      send(position);
      listen();
    };
    mine.onmessage = ({ data }) => {
      if (mine !== socket) return;
      listen();
      listener.connected(true, 0);
      attempts = 0;
      heard(JSON.parse(String(data)) as Message);
    };
    mine.onclose = () => mine === socket && lost();
  }

  function drop(): void {
    clearTimeout(silence);
    const mine = socket;
    socket = null;
    mine?.close();
  }

  function lost(): void {
    drop();
    if (closed) return;
    listener.connected(false, attempts + 1);
    retry = setTimeout(connect, waitAfter(attempts));
    attempts += 1;
  }

  /** Back in the network, or looked at again: at once. */
  function again(): void {
    if (!socket && !document.hidden) connect();
  }

  window.addEventListener("online", again);
  document.addEventListener("visibilitychange", again);
  connect();

  return {
    watch(watch) {
      wanted = watch;
      send(null);
    },
    close() {
      closed = true;
      clearTimeout(retry);
      window.removeEventListener("online", again);
      document.removeEventListener("visibilitychange", again);
      drop();
    },
  };
}
