/** Questions in SQL and their answers. */
import { ApiError, authorization } from "../../api";
import { preferences } from "../../preferences";

export type Cell = string | number | boolean | null | object;
export interface Answer {
  columns: { name: string; type: string }[];
  data: Cell[][];
  rows: number;
  truncated: boolean;
  seconds: number;
}
export type Format = "json" | "csv" | "xlsx";

async function posted(question: object, signal?: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch("/api/v1/sql", {
      method: "POST",
      headers: { "Content-Type": "application/json", "Accept-Language": preferences.language, ...authorization() },
      body: JSON.stringify(question),
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "");
  }
  if (response.ok) return response;
  const problem = (await response.json().catch(() => ({}))) as { detail?: string; title?: string };
  throw new ApiError(response.status, problem.detail ?? problem.title ?? "");
}

export async function ask(sql: string, rows: number, signal: AbortSignal): Promise<Answer> {
  const response = await posted({ sql, rows }, signal);
  const answer = (await response.json()) as Omit<Answer, "seconds">;
  return { ...answer, seconds: Number(response.headers.get("x-seconds") ?? 0) };
}

export async function download(sql: string, format: Format, encoding: "utf-8" | "gb18030" = "utf-8"): Promise<void> {
  const response = await posted({ sql, format, encoding, rows: 100_000 });
  const address = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = address;
  link.download = `zhicheng.${format}`;
  link.click();
  URL.revokeObjectURL(address);
}

export function cellText(value: Cell): string {
  if (value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
