import type { Fields } from "../core/fields.ts";
import { type DeliveredEvents, MARK_END, MARKS } from "./delivered-events.ts";
import type { Saying } from "./event-protocol.ts";
import { LineMatch } from "./line-match.ts";
import type { RetoldAnswer } from "./told-answer.ts";

const NOTHING: readonly Fields[] = [];

/** Another stream of events for the same request. Scope: one stream. */
export class RetoldEvents implements RetoldAnswer {
  readonly #delivered: DeliveredEvents;
  readonly #match: LineMatch;

  constructor(delivered: DeliveredEvents) {
    this.#delivered = delivered;
    // What is delivered from here on is new: the line is compared as it was when its stream broke.
    this.#match = new LineMatch([...delivered.line.stretches]);
  }

  get isCovered(): boolean {
    return this.#match.isCovered;
  }

  tell(event: Fields): readonly Fields[] | undefined {
    const { protocol, names } = this.#delivered;
    const named = names.applyTo(event);
    if (!named) return undefined;
    const saying = protocol.says(event);
    return this.#match.isCovered ? this.#goOn(saying, named) : this.#compare(saying, named);
  }

  #goOn(saying: Saying, named: Fields): readonly Fields[] {
    return saying.kind === "once" && this.#delivered.hasTold(saying.name) ? NOTHING : [named];
  }

  #compare(saying: Saying, named: Fields): readonly Fields[] | undefined {
    switch (saying.kind) {
      case "once":
      case "nothing":
        return NOTHING;
      case "mark": {
        const rest = this.#match.rest(MARKS, saying.mark + MARK_END);
        return rest === "" ? NOTHING : undefined;
      }
      case "text": {
        const rest = this.#match.rest(saying.channel, saying.text);
        if (rest === "") return NOTHING;
        const isTorn = rest !== undefined && saying.isWhole;
        if (rest === undefined || isTorn) return undefined;
        return [this.#delivered.protocol.withText(named, rest)];
      }
      case "end":
      case "opaque":
        return undefined;
    }
  }
}
