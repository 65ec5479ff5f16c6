import { type HeaderList, headerValue } from "../core/headers.ts";

/** What a caller says of being answered by a job instead of a response. */
export type AsyncWish =
  | { readonly kind: "unsaid" }
  | { readonly kind: "refused" }
  | {
      readonly kind: "asked";
      /** How long the caller would rather wait for an ordinary response; absent where nothing is said. */
      readonly waitMs?: number;
      /** The preferences to confirm (RFC 7240, section 3); absent where the caller stated none. */
      readonly preference?: string;
    };

const MAX_WAIT_SECONDS = 86_400;

/**
 * Reads the async header and `Prefer`. The header decides where it is there: `true` asks, anything else
 * refuses; without it `Prefer: respond-async` asks. `wait=N` counts with either.
 */
export function asyncWish(headers: HeaderList, asyncHeader: string): AsyncWish {
  const optIn = headerValue(headers, asyncHeader)?.trim().toLowerCase();
  if (optIn !== undefined && optIn !== "true") return { kind: "refused" };
  const preferences = preferencesIn(headers);
  const isPreferred = preferences.has("respond-async");
  if (optIn === undefined && !isPreferred) return { kind: "unsaid" };
  const waitSeconds = readWait(preferences.get("wait"));
  const confirmed = [
    ...(isPreferred ? ["respond-async"] : []),
    ...(waitSeconds === undefined ? [] : [`wait=${waitSeconds}`]),
  ].join(", ");
  return {
    kind: "asked",
    ...(waitSeconds === undefined ? {} : { waitMs: waitSeconds * 1000 }),
    ...(confirmed === "" ? {} : { preference: confirmed }),
  };
}

/** Preferences by lower-cased name; the first of a name counts (RFC 7240, section 2). */
function preferencesIn(headers: HeaderList): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of headers) {
    if (name.toLowerCase() !== "prefer") continue;
    for (const preference of value.split(",")) {
      // Parameters behind a semicolon say nothing of the two preferences that are known here.
      const [token = ""] = preference.split(";", 1);
      const [key = "", text = ""] = token.split("=", 2);
      const lower = key.trim().toLowerCase();
      if (!found.has(lower)) found.set(lower, text.trim().replace(/^"(.*)"$/, "$1"));
    }
  }
  return found;
}

function readWait(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d+$/.test(text)) return undefined;
  return Math.min(Number(text), MAX_WAIT_SECONDS);
}
