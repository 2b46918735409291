/** Requests to our own server; every answer is JSON or an ApiError with a text for people. */
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

/** RFC 7807, as the server sends errors. */
interface Problem {
  title?: string;
  detail?: string;
}

export function authorization(): Record<string, string> {
  return preferences.token ? { Authorization: `Bearer ${preferences.token}` } : {};
}

/** Ask; `query` may hold what is not set. */
export async function get<Answer>(path: string, query: Record<string, string> = {}, signal?: AbortSignal): Promise<Answer> {
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
