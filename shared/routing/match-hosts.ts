import type { HostSettings } from "../config/index.ts";

/** A host with the prefix of paths that it serves, made ready for comparison. */
export interface ServingHost {
  readonly host: HostSettings;
  readonly prefix: string;
}

/** A host that serves a path, with the path as that host is to see it. */
export interface Match<Serving extends ServingHost = ServingHost> {
  readonly serving: Serving;
  /** Path and query to send: base path, then the path with the matched prefix cut off. */
  readonly target: string;
}

/** Made once for all requests. */
export const servingHost = (host: HostSettings): ServingHost => ({
  host,
  prefix: host.pathPrefix.toLowerCase(),
});

// However often the dots and the slashes are encoded, and with parameters behind them (`..;x/`), which
// some servers cut off before they resolve dots. No client sends them: each resolves them itself.
const DOT_SEGMENT =
  /(?:^|[/\\]|%(?:25)*(?:2f|5c))(?:\.|%(?:25)*2e){1,2}(?=$|[/\\;#]|%(?:25)*(?:2f|5c|3b))/i;

/**
 * The hosts with the longest path prefix that matches on a segment boundary, ignoring case; hosts
 * without a prefix serve what no other serves. Everything else of the target stays as it was sent.
 * Nobody serves dot segments: a backend would resolve them, and leave its host's base path.
 */
export function matchHosts<Serving extends ServingHost>(
  hosts: readonly Serving[],
  target: string,
): Match<Serving>[] {
  const path = pathOf(target).toLowerCase();
  if (DOT_SEGMENT.test(path)) return [];
  let longest: readonly Serving[] = [];
  let length = 0;
  for (const serving of hosts) {
    const { prefix } = serving;
    if (prefix.length < length || !isPrefix(prefix, path)) continue;
    longest = prefix.length === length ? [...longest, serving] : [serving];
    length = prefix.length;
  }
  return longest.map((serving) => ({ serving, target: targetFor(serving.host, target) }));
}

function pathOf(target: string): string {
  const queryAt = target.indexOf("?");
  return queryAt < 0 ? target : target.slice(0, queryAt);
}

function isPrefix(prefix: string, path: string): boolean {
  if (prefix === "") return true;
  if (!path.startsWith(prefix)) return false;
  const next = path.charAt(prefix.length);
  return next === "" || next === "/";
}

function targetFor(host: HostSettings, target: string): string {
  const rest = host.stripPrefix ? target.slice(host.pathPrefix.length) : target;
  return `${host.basePath}${rest.startsWith("/") ? "" : "/"}${rest}`;
}
