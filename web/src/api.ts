/** Requests to our own server; every answer is JSON or an ApiError with a text for people. */
import { preferences } from "./preferences";

export class ApiError extends Error {
  /** `status` 0: the server did not answer at all. */
  constructor(
    readonly status: number,
    message: string,
    /** The kind of error: urn:zhicheng:error:... */
    readonly type = "",
  ) {
    super(message);
  }
}

/** RFC 7807, as the server sends errors. */
interface Problem {
  type?: string;
  title?: string;
  detail?: string;
}

export function authorization(): Record<string, string> {
  return preferences.token ? { Authorization: `Bearer ${preferences.token}` } : {};
}

/** Ask; `query` may hold what is not set. */
export async function get<Answer>(path: string, query: Record<string, string> = {}, signal?: AbortSignal): Promise<Answer> {
  const search = new URLSearchParams(query).toString();
  return request<Answer>(search ? `${path}?${search}` : path, signal ? { signal } : {});
}

/** Change something; an answer without a body is null. */
export async function send<Answer = null>(method: "POST" | "PUT" | "PATCH" | "DELETE", path: string, body?: unknown): Promise<Answer> {
  if (body === undefined) return request<Answer>(path, { method });
  return request<Answer>(path, { method, body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
}

async function request<Answer>(path: string, init: RequestInit): Promise<Answer> {
  const headers = { Accept: "application/json", "Accept-Language": preferences.language, ...authorization(), ...init.headers };
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiError(0, "");
  }
  if (!response.ok) {
    const problem = await problemOf(response);
    throw new ApiError(response.status, problem.detail ?? problem.title ?? "", problem.type ?? "");
  }
  const text = await response.text();
  return (text ? JSON.parse(text) : null) as Answer;
}

async function problemOf(response: Response): Promise<Problem> {
  try {
    return (await response.json()) as Problem;
  } catch {
    return {};
  }
}
