/** Requests to our own server; every answer is JSON of contract.ts or an ApiError with a text for people. */
import type { CityState, Entity, Extent, Found, History, Problem, TypeInfo } from "./contract";
import { preferences } from "./preferences";

export class ApiError extends Error {
  /** `status` 0: the server did not answer at all. */
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export function authorization(): Record<string, string> {
  return preferences.token ? { Authorization: `Bearer ${preferences.token}` } : {};
}

async function get<Answer>(path: string, query: Record<string, string> = {}, signal?: AbortSignal): Promise<Answer> {
  const search = new URLSearchParams(query).toString();
  const headers = { Accept: "application/json", "Accept-Language": preferences.language, ...authorization() };
  let response: Response;
  try {
    response = await fetch(search ? `${path}?${search}` : path, { headers, ...(signal ? { signal } : {}) });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "");
  }
  if (!response.ok) throw new ApiError(response.status, await problemText(response));
  return (await response.json()) as Answer;
}

async function problemText(response: Response): Promise<string> {
  try {
    const problem = (await response.json()) as Problem;
    return problem.detail ?? problem.title ?? "";
  } catch {
    return "";
  }
}

const entityPath = (id: string) => `/api/v1/entities/${encodeURIComponent(id)}`;

export interface Window {
  dataset?: string;
  from?: string;
  to?: string;
}

export const api = {
  state: () => get<CityState>("/api/v1/state"),
  types: () => get<TypeInfo[]>("/api/v1/types", { lang: preferences.language }),
  extent: (type: string) => get<Extent>(`/api/v1/types/${encodeURIComponent(type)}/extent`),
  entity: (id: string, signal?: AbortSignal) => get<Entity>(entityPath(id), {}, signal),
  history: <Row>(id: string, attribute: string, window: Window, points: number, signal?: AbortSignal) =>
    get<History<Row>>(`${entityPath(id)}/history`, { attribute, ...window, points: String(points) }, signal),
  search: (text: string, signal?: AbortSignal) => get<Found[]>("/api/v1/search", { text, limit: "20" }, signal),
};
