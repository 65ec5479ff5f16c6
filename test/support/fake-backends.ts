import {
  type BackendAnswer,
  type BackendCall,
  type BackendClient,
  BackendFailure,
} from "../../shared/backends/index.ts";
import type { Clock } from "../../shared/core/clock.ts";
import type { HeaderList } from "../../shared/core/headers.ts";
import { bodyOf } from "./streams.ts";

type Answering = (call: BackendCall) => BackendAnswer | Promise<BackendAnswer>;

/** Backends that answer as a test says, in turn; the last answer is repeated. Scope: one test. */
export class FakeBackends implements BackendClient {
  readonly #clock: Clock;
  readonly calls: BackendCall[] = [];
  readonly answers: Answering[] = [];
  discarded = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async call(call: BackendCall): Promise<BackendAnswer> {
    this.calls.push(call);
    const answering = this.answers.length > 1 ? this.answers.shift() : this.answers[0];
    if (!answering) throw new Error("No answer was prepared.");
    if (answering !== this.#unreachable) call.onSent?.();
    return answering(call);
  }

  async close(): Promise<void> {}

  /** Prepares an answer with a body. */
  answer(
    status: number,
    body: string | AsyncIterable<Uint8Array> = "ok",
    headers: HeaderList = [],
  ) {
    this.answers.push(() => ({
      status,
      headers,
      body: typeof body === "string" ? bodyOf(body) : body,
      discard: () => {
        this.discarded += 1;
      },
    }));
  }

  /** Prepares a call that never gets an answer, and heeds its signal and its limit as the client does. */
  silence(): void {
    this.answers.push((call) => this.#silent(call));
  }

  /** The same, and nothing is ever sent: the connection does not come about. */
  vanish(): void {
    this.answers.push(this.#unreachable);
  }

  readonly #unreachable: Answering = (call) => this.#silent(call);

  #silent({ signal, limits }: BackendCall): Promise<never> {
    return new Promise((_, reject) => {
      const fail = (reason: unknown): void => {
        cancel();
        reject(reason);
      };
      const late = new BackendFailure("first-byte-timeout", "silent", { mayHaveBegun: true });
      const { firstByteMs = Number.POSITIVE_INFINITY } = limits ?? {};
      const cancel = this.#clock.schedule(firstByteMs, () => fail(late));
      signal.addEventListener("abort", () => fail(signal.reason), { once: true });
    });
  }

  /** Prepares a connection that breaks. */
  refuse(): void {
    this.answers.push(() => Promise.reject(new Error("ECONNREFUSED backend-1.test")));
  }
}

/** The body with which a backend was called. */
export function bodyTextOf(call: Pick<BackendCall, "body"> | undefined): string {
  const { body } = call ?? {};
  if (body && !(body instanceof Uint8Array)) throw new Error("The body is not held.");
  return Buffer.from(body ?? []).toString();
}

/** A body that gives one piece and then waits until it is discarded, which breaks it. */
export function stallingBody() {
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => {});
  async function* pieces(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("first");
    await broken.promise;
  }
  return { body: pieces(), discard: () => broken.reject(new Error("premature close")) };
}
