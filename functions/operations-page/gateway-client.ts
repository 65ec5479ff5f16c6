/** An answer that was no success, in the words of the gateway. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, text: string) {
    super(text);
    this.status = status;
  }
}

const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const KEPT_AS = "operator";
const DEADLINE_MS = 10_000;

/** Asks the gateway with what the operator has shown. Kept for as long as the tab is open. Scope: one page. */
export class GatewayClient {
  #proof = sessionStorage.getItem(KEPT_AS) ?? "";

  get hasProof(): boolean {
    return this.#proof !== "";
  }

  /** An operator's key, or an access token. */
  use(proof: string): void {
    this.#proof = proof.trim();
    if (this.#proof === "") sessionStorage.removeItem(KEPT_AS);
    else sessionStorage.setItem(KEPT_AS, this.#proof);
  }

  async ask<Answer>(path: string, method = "GET", body?: unknown): Promise<Answer> {
    const response = await fetch(path, {
      method,
      headers: {
        ...(TOKEN.test(this.#proof)
          ? { authorization: `Bearer ${this.#proof}` }
          : { "x-operator-key": this.#proof }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    const answer: unknown = await response.json().catch(() => undefined);
    if (!response.ok && response.status !== 202) {
      const { detail, title } = (answer ?? {}) as { detail?: string; title?: string };
      throw new Refusal(response.status, detail ?? title ?? `Status ${response.status}.`);
    }
    return answer as Answer;
  }
}
