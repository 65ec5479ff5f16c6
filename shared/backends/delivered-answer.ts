import type { Fields } from "../core/fields.ts";
import { DeliveredEvents } from "./delivered-events.ts";
import { DeliveredText } from "./delivered-text.ts";
import { MESSAGES } from "./messages-events.ts";
import { RESPONSES } from "./responses-events.ts";
import { RetoldEvents } from "./retold-events.ts";
import { RetoldText } from "./retold-text.ts";
import type { RetoldAnswer, ToldAnswer } from "./told-answer.ts";

// A million characters are more than any model says in one answer.
const MAX_CHARS = 1024 * 1024;

interface Account {
  readonly told: ToldAnswer;
  retold(): RetoldAnswer;
}

/** What a client has been told by a stream of whichever protocol. Scope: one answer. */
export class DeliveredAnswer {
  readonly #maxChars: number;
  #account: Account | undefined;
  #isComparable = true;

  constructor(maxChars = MAX_CHARS) {
    this.#maxChars = maxChars;
  }

  /** Whether all that was delivered is held here. */
  get isComparable(): boolean {
    return this.#isComparable;
  }

  /** Notes an event on its way to the client. */
  record(event: Fields): void {
    if (!this.#isComparable || (!this.#account && isSignOfLife(event))) return;
    this.#account ??= accountFor(event, this.#maxChars);
    if (!this.#account || !isComparable(this.#account.told, event)) this.giveUp();
  }

  /** Something was delivered that cannot be compared; what is held is let go. */
  giveUp(): void {
    this.#isComparable = false;
    this.#account?.told.letGo();
  }

  /** Begins to compare another stream; undefined where nothing was told yet, and nothing is known. */
  retold(): RetoldAnswer | undefined {
    return this.#account?.retold();
  }
}

/** Notes an event, unless it cannot be compared: what parses may be nested more deeply than any stack of calls. */
function isComparable(told: ToldAnswer, event: Fields): boolean {
  try {
    return told.record(event);
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

const isSignOfLife = ({ type }: Fields): boolean => type === "ping" || type === "keepalive";

/** By the first event of a stream, which names its protocol. */
function accountFor(event: Fields, maxChars: number): Account | undefined {
  if (Array.isArray(event["choices"])) {
    const told = new DeliveredText(maxChars);
    return { told, retold: () => new RetoldText(told) };
  }
  const type = typeof event["type"] === "string" ? event["type"] : "";
  const protocol = type.startsWith("response.")
    ? RESPONSES
    : type === "message_start"
      ? MESSAGES
      : undefined;
  if (!protocol) return undefined;
  const told = new DeliveredEvents(protocol, maxChars);
  return { told, retold: () => new RetoldEvents(told) };
}
