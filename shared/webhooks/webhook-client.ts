import { Agent } from "undici";
import type { Clock } from "../core/clock.ts";
import { createDeadline } from "../core/deadline.ts";
import { retryAfterMs } from "../core/retry-after.ts";
import { type AddressRule, targetFault } from "./address-rule.ts";
import { createGuardedLookup, type ResolveName } from "./guarded-lookup.ts";
import type { WebhookHeaders } from "./sign-webhook.ts";

export interface WebhookClientOptions extends AddressRule {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly resolveName?: ResolveName;
}

/** One call of a webhook. */
export interface WebhookPost {
  readonly url: string;
  readonly headers: WebhookHeaders;
  readonly body: string;
}

/** How a receiver answered, or why there is no answer. Holds nothing of what it said. */
export type WebhookAnswer =
  | { readonly kind: "answered"; readonly status: number; readonly retryAfterMs?: number }
  | { readonly kind: "failed"; readonly reason: string };

// What a receiver says is not wanted: so much is read to keep the connection, the rest is cut off.
const MAX_ANSWER_BYTES = 16_384;
const KEEP_ALIVE_MS = 4000;
const MAX_CALLS_PER_ORIGIN = 8;

/**
 * Calls webhooks: to allowed addresses only, without following redirects, within a time limit, and few
 * at once for each receiver, so that a slow one does not hold up the others. Scope: per instance.
 */
export class WebhookClient {
  readonly #options: WebhookClientOptions;
  readonly #agent: Agent;
  readonly #calls = new Map<string, number>();

  constructor(options: WebhookClientOptions) {
    this.#options = options;
    const { timeoutMs, resolveName } = options;
    this.#agent = new Agent({
      connect: { timeout: timeoutMs, lookup: createGuardedLookup(options, resolveName) },
      connections: MAX_CALLS_PER_ORIGIN,
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  /** Never rejects; undefined when the receiver has as many calls as it gets at once. */
  async post(call: WebhookPost): Promise<WebhookAnswer | undefined> {
    const url = URL.parse(call.url);
    if (!url) return { kind: "failed", reason: "an unreadable URL" };
    const fault = targetFault(url, this.#options);
    if (fault !== undefined) return { kind: "failed", reason: fault };
    const running = this.#calls.get(url.origin) ?? 0;
    if (running >= MAX_CALLS_PER_ORIGIN) return undefined;
    this.#calls.set(url.origin, running + 1);
    try {
      return await this.#send(url, call);
    } catch (error) {
      return { kind: "failed", reason: reasonOf(error) };
    } finally {
      const left = (this.#calls.get(url.origin) ?? 1) - 1;
      if (left > 0) this.#calls.set(url.origin, left);
      else this.#calls.delete(url.origin);
    }
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }

  async #send(
    { origin, pathname, search }: URL,
    { headers, body }: WebhookPost,
  ): Promise<WebhookAnswer> {
    const { clock, timeoutMs } = this.#options;
    const reason = (): Error => Object.assign(new Error("Too slow."), { code: "ETIMEDOUT" });
    using deadline = createDeadline(clock, clock.now() + timeoutMs, { reason });
    const { signal } = deadline;
    const answer = await this.#agent.request({
      origin,
      path: `${pathname}${search}`,
      method: "POST",
      headers: {
        "content-type": "application/json",
        "user-agent": "SimpleL7Proxy-Webhooks/1.0",
        ...headers,
      },
      body,
      signal,
    });
    const { statusCode: status } = answer;
    // The status is the answer; a body that never ends must not undo it.
    await answer.body.dump({ limit: MAX_ANSWER_BYTES, signal }).catch(() => {});
    const header = answer.headers["retry-after"];
    const waitMs =
      typeof header === "string" ? retryAfterMs([["retry-after", header]], clock.now()) : undefined;
    return { kind: "answered", status, ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }) };
  }
}

/** A code says enough; messages may hold addresses. */
function reasonOf(error: unknown): string {
  const code: unknown = Object(error).code ?? Object(Object(error).cause).code;
  return typeof code === "string" ? code : "a connection error";
}
