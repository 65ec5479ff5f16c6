/** Header fields in the order and spelling in which they came; a name may occur more than once. */
export type HeaderList = readonly (readonly [name: string, value: string])[];

/** The first value of a header, by case-insensitive name. */
export function headerValue(headers: HeaderList, name: string): string | undefined {
  const wanted = name.toLowerCase();
  for (const [candidate, value] of headers) {
    // Most names differ in length already, which is cheaper to see.
    if (candidate.length === wanted.length && candidate.toLowerCase() === wanted) return value;
  }
  return undefined;
}

/** The headers whose lower-cased name does not satisfy `isDropped`. */
export function withoutHeaders(
  headers: HeaderList,
  isDropped: (lowerCaseName: string) => boolean,
): HeaderList {
  return headers.filter(([name]) => !isDropped(name.toLowerCase()));
}

/** Pairs a flat `[name, value, name, value, ...]` list, as node and undici give raw headers. */
export function fromRawHeaders(raw: readonly (string | Buffer)[]): HeaderList {
  const headers: [string, string][] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    headers.push([latin1(raw[index]), latin1(raw[index + 1])]);
  }
  return headers;
}

// Header values are bytes; latin1 is the one encoding that gives every byte back unchanged.
const latin1 = (text: string | Buffer | undefined): string =>
  typeof text === "string" ? text : (text?.toString("latin1") ?? "");

const CONNECTION = "connection";
const HOP_BY_HOP = new Set([
  CONNECTION,
  // Of an HTTP/2 connection it would be the end, with all that others have on it.
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Drops the fields that speak of one connection only (RFC 9110, section 7.6.1), including those
 * that the `Connection` field names, and in the same pass what else is to go.
 */
export function withoutHopByHop(
  headers: HeaderList,
  isDropped: (lowerCaseName: string) => boolean = () => false,
): HeaderList {
  const named = namedByConnection(headers);
  return withoutHeaders(
    headers,
    (name) => HOP_BY_HOP.has(name) || named?.has(name) === true || isDropped(name),
  );
}

// What nearly every `Connection` says; it names no field.
const OF_EVERY_CONNECTION = new Set(["", "close", "keep-alive"]);

/**
 * Drops `Connection` and what it names, but for `kept`: names that the gateway has judged or written. A
 * client may take back what it said itself, and nothing that was said of it.
 */
export function withoutConnection(headers: HeaderList, kept: () => readonly string[]): HeaderList {
  const named = namedByConnection(headers);
  if (!named) return headers;
  const stays = new Set(kept());
  return withoutHeaders(
    headers,
    (name) => name === CONNECTION || (named.has(name) && !stays.has(name)),
  );
}

function namedByConnection(headers: HeaderList): ReadonlySet<string> | undefined {
  let named: Set<string> | undefined;
  for (const [name, value] of headers) {
    if (name.length !== CONNECTION.length || name.toLowerCase() !== CONNECTION) continue;
    if (OF_EVERY_CONNECTION.has(value)) continue;
    for (const token of value.split(",")) {
      const field = token.trim().toLowerCase();
      if (!OF_EVERY_CONNECTION.has(field)) named = (named ?? new Set()).add(field);
    }
  }
  return named;
}
