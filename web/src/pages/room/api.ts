/** What decision rooms ask the server for. */
import { get, send } from "../../api";

export interface View {
  centre?: [number, number];
  zoom?: number;
  at?: string;
  layers?: string[];
}

export interface Room {
  key: string;
  id: string;
  name: string;
  status: "open" | "closed";
  view: View | null;
  presenter: string | null;
  by: string;
  created_at: string;
  modified_at: string;
  people?: number;
}

export type Position = [number, number];
export type Shape =
  | { type: "Point"; coordinates: Position }
  | { type: "LineString"; coordinates: Position[] }
  | { type: "Polygon"; coordinates: Position[][] };

export interface Mark {
  id: string;
  status: "drawn" | "removed";
  location: Shape;
  colour: string;
  text: string;
  by: string;
  created_at: string;
}

export interface Note {
  id: string;
  text: string;
  by: string;
  created_at: string;
}

export interface Here {
  session: string;
  name: string;
  cursor: Position | null;
  following: boolean;
}

export interface News {
  turn: number;
  position: number;
  me: string;
  room: Room;
  marks: Mark[];
  notes: Note[];
  people: Here[];
}

export interface Happening {
  what: "status" | "presenter" | "sharedView";
  value: string;
  at: string;
  principal: string;
}

export interface RoomRecord {
  room: Room;
  marks: Mark[];
  notes: Note[];
  events: Happening[];
}

const path = (key: string, more = "") => `/api/v1/rooms/${encodeURIComponent(key)}${more}`;

export const api = {
  rooms: () => get<Room[]>("/api/v1/rooms"),
  open: (name: string, view: View, as: string) => send<Room>("POST", "/api/v1/rooms", { name, view, as }),
  news: (key: string, turn: number, position: number, wait: number, as: string, signal: AbortSignal) =>
    get<News>(path(key), { turn: String(turn), position: String(position), wait: String(wait), ...(as ? { as } : {}) }, signal),
  record: (key: string) => get<RoomRecord>(path(key, "/record")),
  view: (key: string, view: View, as: string) => send("PUT", path(key, "/view"), { view, as }),
  lead: (key: string, lead: boolean, as: string) => send("PUT", path(key, "/presenter"), { lead, as }),
  mark: (key: string, mark: { location: Shape; colour: string; text: string }, as: string) => send<{ id: string }>("POST", path(key, "/marks"), { ...mark, as }),
  unmark: (key: string, id: string, as: string) => send("DELETE", path(key, `/marks/${encodeURIComponent(id)}?as=${encodeURIComponent(as)}`)),
  note: (key: string, text: string, as: string) => send<{ id: string }>("POST", path(key, "/notes"), { text, as }),
  close: (key: string, as: string) => send("POST", path(key, "/close"), { as }),
  here: (key: string, session: string, here: { cursor?: Position | null; following: boolean; left?: boolean }, as: string) =>
    send("PUT", path(key, `/people/${session}`), { ...here, as }),
};
