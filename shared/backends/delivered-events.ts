import type { Fields } from "../core/fields.ts";
import type { AnswerNames, EventProtocol } from "./event-protocol.ts";
import { SpokenLine } from "./spoken-line.ts";
import type { ToldAnswer } from "./told-answer.ts";

/** The channel of marks, and what ends each: one must not be taken for the beginning of another. */
export const MARKS = "";
export const MARK_END = "\n";

/** What a client has been told by events that come in one order. Scope: one answer. */
export class DeliveredEvents implements ToldAnswer {
  readonly protocol: EventProtocol;
  readonly names: AnswerNames;
  readonly #maxChars: number;
  readonly #onces = new Set<string>();
  #line = new SpokenLine();
  #chars = 0;

  constructor(protocol: EventProtocol, maxChars: number) {
    this.protocol = protocol;
    this.names = protocol.names();
    this.#maxChars = maxChars;
  }

  get line(): SpokenLine {
    return this.#line;
  }

  hasTold(once: string): boolean {
    return this.#onces.has(once);
  }

  record(event: Fields): boolean {
    const saying = this.protocol.says(event);
    this.names.note(event);
    if (saying.kind === "opaque") return false;
    if (saying.kind === "once") this.#onces.add(saying.name);
    if (saying.kind === "text") this.#say(saying.channel, saying.text);
    if (saying.kind === "mark") this.#say(MARKS, saying.mark + MARK_END);
    return this.#chars <= this.#maxChars;
  }

  letGo(): void {
    this.#line = new SpokenLine();
  }

  #say(channel: string, text: string): void {
    this.#chars += text.length;
    this.#line.say(channel, text);
  }
}
