import {
  type BackendAnswer,
  type BackendCall,
  type BackendClient,
  BackendFailure,
} from "../../shared/backends/index.ts";
import { type Clock, delay } from "../../shared/core/clock.ts";
import type { BackendId } from "../../shared/core/domain.ts";
import { type HeaderList, headerValue } from "../../shared/core/headers.ts";
import { luckOf } from "./luck-of.ts";
import type { SimulatedRequest } from "./plan-arrivals.ts";
import type { Answering, SimulatedBackend, Trouble } from "./simulated-backend.ts";

export interface SimulatedClientOptions {
  readonly clock: Clock;
  readonly seed: number;
  readonly backends: ReadonlyMap<BackendId, SimulatedBackend>;
  /** The request that a call is for, by its id; undefined for a probe. */
  readonly requestOf: (id: string) => SimulatedRequest | undefined;
  /** Told after each call that did not go well. */
  readonly onTrouble: () => void;
}

const NO_BODY: AsyncIterable<Uint8Array> = {
  [Symbol.asyncIterator]: () => ({ next: async () => ({ done: true, value: undefined }) }),
};
const OK = 200;
const TOO_MANY = 429;
const PROBE_MS = 20;
const REFUSED_AFTER_MS = 1;

/** Answers the gateway's calls as the modelled backends would, in virtual time. Scope: one simulation. */
export class SimulatedClient implements BackendClient {
  readonly #options: SimulatedClientOptions;

  constructor(options: SimulatedClientOptions) {
    this.#options = options;
  }

  async call(call: BackendCall): Promise<BackendAnswer> {
    const { clock, backends, requestOf, seed } = this.#options;
    call.signal.throwIfAborted();
    const backend = backends.get(call.host.id);
    if (!backend) throw new Error(`There is no model of ${call.host.id}.`);
    const request = requestOf(headerValue(call.headers, "x-S7P-ID") ?? "");
    if (!request) return this.#probe(backend, call.signal);
    const turn = headerValue(call.headers, "x-PolicyCycleCounter") ?? "0";
    const random = luckOf(seed, call.host.id, request.number, turn);
    const reaction = backend.react(request, clock.now(), random);
    if (reaction.kind === "answered") return this.#answer(backend, request, { call, reaction });
    try {
      return await this.#withoutAnswer(backend, reaction, call);
    } finally {
      this.#options.onTrouble();
    }
  }

  async close(): Promise<void> {}

  async #probe(backend: SimulatedBackend, signal: AbortSignal): Promise<BackendAnswer> {
    const { clock } = this.#options;
    await delay(clock, PROBE_MS, signal);
    return plain(backend.isUp(clock.now()) ? OK : 503, []);
  }

  async #withoutAnswer(
    backend: SimulatedBackend,
    trouble: Trouble,
    { signal, limits }: BackendCall,
  ): Promise<BackendAnswer> {
    const { clock } = this.#options;
    backend.counts[trouble.kind === "throttled" ? "throttled" : "failed"] += 1;
    switch (trouble.kind) {
      case "throttled":
        return plain(TOO_MANY, [["retry-after-ms", String(trouble.retryAfterMs)]]);
      case "failed":
        await delay(clock, trouble.afterMs, signal);
        return plain(trouble.status, []);
      case "refused":
        await delay(clock, REFUSED_AFTER_MS, signal);
        throw new BackendFailure("connect", "The modelled backend is out of reach.", {
          mayHaveBegun: false,
        });
      case "silence":
        await delay(clock, limits?.firstByteMs ?? Number.MAX_SAFE_INTEGER, signal);
        throw tooLate();
    }
  }

  async #answer(
    backend: SimulatedBackend,
    request: SimulatedRequest,
    { call, reaction }: { call: BackendCall; reaction: Answering },
  ): Promise<BackendAnswer> {
    const { clock } = this.#options;
    const { firstTokenMs, totalMs } = reaction;
    const firstByteMs = request.isStream ? firstTokenMs : totalMs;
    const left = new AbortController();
    let isOver = false;
    const end = (how: "answered" | "cancelled"): void => {
      if (!isOver) backend.ended(request, how);
      isOver = true;
    };
    const limitMs = call.limits?.firstByteMs ?? Number.MAX_SAFE_INTEGER;
    try {
      await delay(clock, Math.min(firstByteMs, limitMs), call.signal);
      if (firstByteMs > limitMs) throw tooLate();
    } catch (reason) {
      end("cancelled");
      throw reason;
    }
    async function* pieces(): AsyncGenerator<Uint8Array, void, undefined> {
      if (request.isStream) {
        yield FIRST_EVENT;
        await delay(clock, totalMs - firstByteMs, left.signal);
      }
      end("answered");
      yield usageOf(request);
    }
    const type = request.isStream ? "text/event-stream" : "application/json";
    return {
      status: OK,
      headers: [["content-type", type]],
      body: pieces(),
      discard() {
        end("cancelled");
        left.abort(new BackendFailure("reset", "The call was given up.", { mayHaveBegun: true }));
      },
    };
  }
}

const FIRST_EVENT = Buffer.from('data: {"choices":[{"delta":{"content":"."}}]}\n\n');

/** The end of an answer, with the usage that limits are settled by. */
function usageOf({ contextTokens, generatedTokens, isStream }: SimulatedRequest): Uint8Array {
  const usage = {
    prompt_tokens: contextTokens,
    completion_tokens: generatedTokens,
    total_tokens: contextTokens + generatedTokens,
  };
  const text = JSON.stringify({ choices: [], usage });
  return Buffer.from(isStream ? `data: ${text}\n\ndata: [DONE]\n\n` : text);
}

const plain = (status: number, headers: HeaderList): BackendAnswer => ({
  status,
  headers: [...headers, ["content-length", "0"]],
  body: NO_BODY,
  discard() {},
});

const tooLate = (): BackendFailure =>
  new BackendFailure("first-byte-timeout", "The modelled backend did not begin in time.", {
    mayHaveBegun: true,
  });
