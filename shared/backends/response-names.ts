import { type Fields, fieldsIn } from "../core/fields.ts";
import type { AnswerNames } from "./event-protocol.ts";

const OF_RESPONSE = ["id", "created_at", "model"];
const OF_ITEM = ["id", "call_id"];
const SEAL = "encrypted_content";

interface NamedItem {
  readonly names: Fields;
  /** What seals its reasoning, once it was delivered whole. */
  readonly seal?: Fields;
}

/** The names of a response and its items, and the number of its last event. Scope: one answer. */
export class ResponseNames implements AnswerNames {
  readonly #items = new Map<unknown, NamedItem>();
  #response: Fields | undefined;
  #sequence: number | undefined;

  note(event: Fields): void {
    const { type, sequence_number: sequence, output_index: index } = event;
    if (typeof sequence === "number") this.#sequence = sequence;
    const response = fieldsIn(event["response"]);
    if (response) this.#response ??= picked(response, OF_RESPONSE);
    const item = fieldsIn(event["item"]);
    if (!item) return;
    const seal = type === "response.output_item.done" ? { seal: picked(item, [SEAL]) } : {};
    this.#items.set(index, { names: picked(item, OF_ITEM), ...seal });
  }

  applyTo(event: Fields): Fields | undefined {
    const { output_index: index, item_id: itemId } = event;
    const named: Record<string, unknown> = { ...event };
    if (this.#sequence !== undefined) named["sequence_number"] = this.#sequence + 1;
    const id = this.#items.get(index)?.names["id"];
    if (itemId !== undefined && id !== undefined) named["item_id"] = id;
    const item = fieldsIn(event["item"]);
    if (item) {
      if (!this.#mayRename(item, index)) return undefined;
      named["item"] = this.#named(item, index);
    }
    const response = fieldsIn(event["response"]);
    if (response) named["response"] = this.#namedResponse(response);
    return named;
  }

  #namedResponse(response: Fields): Fields {
    const { output } = response;
    const named = { ...response, ...this.#response };
    if (!Array.isArray(output)) return named;
    const items = output.map((value, index) => {
      const item = fieldsIn(value);
      return item ? this.#named(item, index) : value;
    });
    return { ...named, output: items };
  }

  #named(item: Fields, index: unknown): Fields {
    const known = this.#items.get(index);
    return known ? { ...item, ...known.names, ...known.seal } : item;
  }

  /** A seal holds for the item of its own name only: the two must be one stream's. */
  #mayRename(item: Fields, index: unknown): boolean {
    const known = this.#items.get(index);
    if (!known || known.seal || typeof item[SEAL] !== "string") return true;
    return known.names["id"] === item["id"];
  }
}

function picked(fields: Fields, names: readonly string[]): Fields {
  const known = names.filter((name) => fields[name] !== undefined && fields[name] !== null);
  return Object.fromEntries(known.map((name) => [name, fields[name]]));
}
