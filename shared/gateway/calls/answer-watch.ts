import type { Clock } from "../../core/clock.ts";
import type { EventBytes } from "../../core/event-bytes.ts";
import type { HeaderList } from "../../core/headers.ts";
import { type AnswerUsage, UsageReader } from "../../usage/index.ts";

/**
 * How an answer ended: with its last byte, given up by whoever read it, broken off by its backend, or unused
 * because it could not go on where another had broken off.
 */
export type AnswerOutcome = "whole" | "left" | "broken" | "unused";

export interface AnswerWatchOptions {
  readonly headers: HeaderList;
  /** Whether nobody is to look into it: its bytes pass all the same. */
  readonly isUnread?: boolean;
  /** Whether it is asked for once more: what it used is told, if at all, to who counts each use once. */
  readonly isAgain?: boolean;
  /** Given where it matters when the first bytes came: where the answer is told as it is made. */
  readonly timer?: Pick<Clock, "now"> | undefined;
  onEnd(usage: AnswerUsage, outcome: AnswerOutcome): void;
}

/** What was told of an answer's end. */
export interface WatchedEnd {
  readonly usage: AnswerUsage;
  readonly outcome: AnswerOutcome;
  /** When the first bytes came of what is told as it is made; epoch milliseconds. */
  readonly firstReadAt?: number | undefined;
}

/** Reads along what one backend's answer says it used, and tells it once. Scope: one answer. */
export class AnswerWatch {
  readonly #reader: UsageReader | undefined;
  readonly #isAgain: boolean;
  readonly #timer: AnswerWatchOptions["timer"];
  readonly #onEnd: AnswerWatchOptions["onEnd"];
  #firstReadAt: number | undefined;
  #usage: Promise<AnswerUsage> | undefined;
  #end: WatchedEnd | undefined;
  #follower: ((end: WatchedEnd) => void) | undefined;

  constructor({ headers, isUnread, isAgain = false, timer, onEnd }: AnswerWatchOptions) {
    this.#reader = isUnread ? undefined : new UsageReader(headers);
    this.#isAgain = isAgain;
    this.#timer = timer;
    this.#onEnd = onEnd;
  }

  /** `events`: those of a stream that is cut already. */
  read(chunk: Uint8Array, events?: readonly EventBytes[]): void {
    this.#firstReadAt ??= this.#timer?.now();
    if (!this.#usage) this.#reader?.read(chunk, events);
  }

  /** The first end counts: a body that ended is discarded afterwards all the same. */
  ended(outcome: AnswerOutcome): void {
    this.#usage ??= this.#tell(outcome);
  }

  /** One more who is to know of the end; at once where it has been told. */
  follow(follower: (end: WatchedEnd) => void): void {
    if (this.#end) follower(this.#end);
    else this.#follower = follower;
  }

  /** What it used, as far as it was read; for who knows that it is over. */
  usage(): Promise<AnswerUsage> {
    this.#usage ??= this.#tell("left");
    return this.#usage;
  }

  async #tell(outcome: AnswerOutcome): Promise<AnswerUsage> {
    const read = (await this.#reader?.end(outcome === "whole")) ?? UNKNOWN_USAGE;
    const usage = this.#isAgain ? withoutUse(read) : read;
    this.#end = { usage, outcome, firstReadAt: this.#firstReadAt };
    this.#onEnd(read, outcome);
    this.#follower?.(this.#end);
    return usage;
  }
}

/** An answer that tells only which one it is. */
export const withoutUse = ({ model, responseId }: AnswerUsage): AnswerUsage => ({
  ...UNKNOWN_USAGE,
  model,
  responseId,
});

/** Of an answer that tells nothing. */
export const UNKNOWN_USAGE: AnswerUsage = {
  provenance: "unknown",
  tokens: undefined,
  model: undefined,
  responseId: undefined,
  uncounted: undefined,
};

/** Where the answer that a request is getting is watched. Scope: one request. */
export interface AnswerSlot {
  current: AnswerWatch | undefined;
  /** A backend had begun to work when the caller gave the request up. */
  isCutOff?: boolean;
}
