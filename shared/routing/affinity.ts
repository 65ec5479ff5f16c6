import { createHmac } from "node:crypto";
import type { BackendId } from "../core/domain.ts";

const TOKEN_LENGTH = 16;

/** The value by which a client may ask for the same backend again. It names nothing. */
export function affinityToken(id: BackendId, salt: string): string {
  return createHmac("sha256", salt).update(id).digest("base64url").slice(0, TOKEN_LENGTH);
}

/**
 * The values of all backends, each worked out once: every answer carries one. Scope: one set of
 * settings, so that no more are kept than there are hosts.
 */
export class AffinityTokens {
  readonly #salt: string;
  readonly #tokens = new Map<BackendId, string>();

  constructor(salt: string) {
    this.#salt = salt;
  }

  of(id: BackendId): string {
    const known = this.#tokens.get(id);
    if (known !== undefined) return known;
    const token = affinityToken(id, this.#salt);
    this.#tokens.set(id, token);
    return token;
  }
}
