import type { Server, ServerResponse } from "node:http";

/** Commits what waits; false when it could not. */
export type Commit = () => boolean;

/**
 * No byte of an answer leaves before the changes made so far are committed: what a client was
 * told, or has read, survives the process. An answer that cannot be backed is cut off instead.
 */
export function commitBeforeAnswer(server: Server, commit: Commit): void {
  server.prependListener("request", (_request, response) => guard(response, commit));
}

function guard(response: ServerResponse, commit: Commit): void {
  for (const method of ["write", "end", "flushHeaders"] as const) {
    const original = response[method] as (...args: unknown[]) => unknown;
    const guarded = (...args: unknown[]): unknown => {
      if (commit()) return original.apply(response, args);
      response.destroy();
      return method === "write" ? false : response;
    };
    Object.defineProperty(response, method, { value: guarded, configurable: true, writable: true });
  }
}
