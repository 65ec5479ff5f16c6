import { createHmac } from "node:crypto";
import { type HostSettings, hostPlace } from "../config/index.ts";

const TOKEN_LENGTH = 16;

/**
 * The values by which clients may ask for the same backend again. Each stands for what makes a host the
 * one whose caches a client has filled: its place, its address and its model, not its number, which a
 * reload may give to another. Scope: one set of settings.
 */
export class AffinityTokens {
  readonly #salt: string;
  readonly #byHost: ReadonlyMap<HostSettings, string>;
  readonly #all: ReadonlySet<string>;

  constructor(hosts: readonly HostSettings[], salt: string) {
    this.#salt = salt;
    const times = new Map<string, number>();
    this.#byHost = new Map(
      hosts.map((host) => {
        const name = nameOf(host);
        const nth = (times.get(name) ?? 0) + 1;
        times.set(name, nth);
        return [host, tokenOf(name, { nth, salt })];
      }),
    );
    this.#all = new Set(this.#byHost.values());
  }

  /** The value of a backend, of which there may be none any more. It names nothing. */
  of(host: HostSettings): string {
    return this.#byHost.get(host) ?? tokenOf(nameOf(host), { nth: 1, salt: this.#salt });
  }

  /** Whether a value is that of one of these backends. */
  has(token: string): boolean {
    return this.#all.has(token);
  }
}

const nameOf = (host: HostSettings): string =>
  JSON.stringify([hostPlace(host), host.ipAddress, host.model]);

/** `nth`: which of several hosts that differ in nothing but their numbers. */
function tokenOf(name: string, { nth, salt }: { nth: number; salt: string }): string {
  const digest = createHmac("sha256", salt).update(`${name} ${nth}`).digest("base64url");
  return digest.slice(0, TOKEN_LENGTH);
}
