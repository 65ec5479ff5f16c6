import { type SeenRequest, startBackend, type TestBackend } from "./backend.ts";

export type Handler = Parameters<typeof startBackend>[0];

/** Answers with a text. */
export const ok =
  (name: string): Handler =>
  (_, response) =>
    void response.end(name);
/** Answers with a status, and what goes with it. */
export const failing =
  (status: number, headers: Record<string, string> = {}, body = ""): Handler =>
  (_, response) =>
    void response.writeHead(status, headers).end(body);
/** Never answers. */
export const silent: Handler = () => {};

/** Backends whose part in a case is told by the first segment of the path they are asked for. Scope: one test file. */
export class BackendWorld implements AsyncDisposable {
  readonly #backends = new Map<string, TestBackend>();
  readonly #handlers = new Map<string, Handler>();

  /** A backend that does for each path prefix what a case says. */
  async add(name: string): Promise<string> {
    const backend = await startBackend((request, response) => {
      const handler = this.#handlers.get(`${name}${segment(request)}`) ?? ok(name);
      handler(request, response);
    });
    this.#backends.set(name, backend);
    return backend.url;
  }

  on(name: string, path: string, handler: Handler): void {
    this.#handlers.set(`${name}${path}`, handler);
  }

  seen(name: string, path = ""): SeenRequest[] {
    const all = this.#backends.get(name)?.seen ?? [];
    return all.filter((request) => path === "" || segment(request) === path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const backend of this.#backends.values()) await backend[Symbol.asyncDispose]();
  }
}

const segment = ({ target }: SeenRequest): string => /^\/[^/?]*/.exec(target)?.[0] ?? "";

/** `Host1`, `Host2`, ... each with a path of its own, kept, and no probes. */
export const hostsFor = (hosts: readonly (readonly [url: string, path: string, more?: string])[]) =>
  Object.fromEntries(
    hosts.map(([url, path, more = ""], index) => [
      `Host${index + 1}`,
      `host=${url};path=${path};stripprefix=false;mode=direct;${more}`,
    ]),
  );
