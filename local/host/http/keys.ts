import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

/** Access keys to enforce; without them every call is let in, as Core Tools does. */
export interface HostKeys {
  /** Opens everything, the admin endpoints too. */
  master: string;
  /** Opens every function. */
  host?: readonly string[];
  /** Opens one function, by its name. */
  functions?: Readonly<Record<string, string>>;
}

/** What a caller asks to enter. */
export interface Door {
  authLevel: string;
  functionName?: string;
}

/** Whether the call's key opens the door; the header wins over the query. */
export function isAuthorized(
  keys: HostKeys | undefined,
  { authLevel, functionName = "" }: Door,
  { headers, url = "" }: { headers: IncomingHttpHeaders; url?: string | undefined },
): boolean {
  if (!keys || authLevel.toLowerCase() === "anonymous") return true;
  const header = headers["x-functions-key"];
  const given = typeof header === "string" ? header : queryKey(url);
  if (!given) return false;
  const own = keys.functions?.[functionName];
  const isAdmin = authLevel.toLowerCase() === "admin";
  const accepted = isAdmin
    ? [keys.master]
    : [keys.master, ...(keys.host ?? []), ...(own ? [own] : [])];
  return accepted.some((key) => isSame(key, given));
}

function queryKey(url: string): string | undefined {
  const at = url.indexOf("?");
  return at < 0 ? undefined : (new URLSearchParams(url.slice(at)).get("code") ?? undefined);
}

// Digests have one length, so the comparison's time tells nothing about the key.
function isSame(a: string, b: string): boolean {
  return timingSafeEqual(
    createHash("sha256").update(a).digest(),
    createHash("sha256").update(b).digest(),
  );
}
