/** A screen is given its token behind the #, which no server sees; it is not left in the address. */
import { setToken } from "../preferences";

export function takeToken(): void {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!given || !location.pathname.startsWith("/sign/")) return;
  setToken(given);
  history.replaceState(history.state, "", location.pathname + location.search);
}
