import type { HostSettings } from "../config/index.ts";

/** A host that serves a path, with the path as that host is to see it. */
export interface Match {
  readonly host: HostSettings;
  /** Path and query to send: base path, then the path with the matched prefix cut off. */
  readonly target: string;
}

/**
 * The hosts with the longest path prefix that matches on a segment boundary, ignoring case; hosts
 * without a prefix serve what no other serves. Everything else of the target stays as it was sent.
 */
export function matchHosts(hosts: readonly HostSettings[], target: string): Match[] {
  const path = target.split("?", 1)[0]?.toLowerCase() ?? "";
  const serving = hosts.filter(({ pathPrefix }) => isPrefix(pathPrefix.toLowerCase(), path));
  const longest = Math.max(...serving.map(({ pathPrefix }) => pathPrefix.length));
  return serving
    .filter(({ pathPrefix }) => pathPrefix.length === longest)
    .map((host) => ({ host, target: targetFor(host, target) }));
}

function isPrefix(prefix: string, path: string): boolean {
  if (!path.startsWith(prefix)) return false;
  const next = path.charAt(prefix.length);
  return prefix === "" || next === "" || next === "/";
}

function targetFor(host: HostSettings, target: string): string {
  const rest = host.stripPrefix ? target.slice(host.pathPrefix.length) : target;
  return `${host.basePath}${rest.startsWith("/") ? "" : "/"}${rest}`;
}
