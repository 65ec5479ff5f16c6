import { readApplicationProperties } from "../amqp/application-properties.ts";
import { alreadyExists, argumentError, notEmulated, ruleNotFound } from "../amqp/errors.ts";
import type { IncomingMessage } from "../amqp/incoming-message.ts";
import type { Typed } from "../amqp/rhea.ts";
import { decode, encode } from "../amqp/typed.ts";
import type { BrokerStore } from "../store/broker-store.ts";
import { CORRELATION_FIELDS, type CorrelationField, readSystemProperties } from "./correlation.ts";
import { describeRule, filterOf, type RuleFilter } from "./rule-description.ts";

/** The rule that every new subscription has: it lets everything through. */
export const DEFAULT_RULE = "$Default";

/**
 * The rules of one subscription: a message passes when one of them matches. Durable. Scope: one
 * broker process.
 */
export class Rules {
  readonly #entityId: number;
  readonly #store: BrokerStore;
  readonly #rules = new Map<string, { description: Buffer; filter: RuleFilter }>();

  constructor(entityId: number, store: BrokerStore) {
    this.#entityId = entityId;
    this.#store = store;
    for (const { name, description } of store.entities.rules(entityId)) {
      this.#rules.set(name, { description, filter: filterOf(decode(description)) });
    }
  }

  /** The rules in the form that `enumerate-rules` answers with, by name. */
  list(): Typed[] {
    const byName = [...this.#rules].sort(([a], [b]) => (a < b ? -1 : 1));
    return byName.map(([, { description }]) => decode(description));
  }

  add(rule: { name: string; filter: RuleFilter; createdAt: number }): void {
    const { name, filter } = rule;
    if (name === "") throw argumentError("A rule needs a name.");
    if (this.#rules.has(name)) throw alreadyExists(`The rule '${name}' exists already.`);
    const description = encode(describeRule(rule));
    this.#store.change((entities) => entities.addRule(this.#entityId, { name, description }));
    this.#rules.set(name, { description, filter });
  }

  remove(name: string): void {
    if (!this.#rules.has(name)) throw ruleNotFound(`The rule '${name}' could not be found.`);
    this.#store.change((entities) => entities.removeRule(this.#entityId, name));
    this.#rules.delete(name);
  }

  matches(message: IncomingMessage): boolean {
    for (const { filter } of this.#rules.values()) {
      if (matchesFilter(filter, message)) return true;
    }
    return false;
  }
}

function matchesFilter(filter: RuleFilter, message: IncomingMessage): boolean {
  if (filter.kind === "true") return true;
  if (filter.kind === "false") return false;
  const system = readSystemProperties(message.content.tail);
  const isSystemMatch = CORRELATION_FIELDS.every((field: CorrelationField) => {
    const wanted = filter.system[field];
    return wanted === undefined || wanted === system[field];
  });
  if (!isSystemMatch || filter.properties.length === 0) return isSystemMatch;
  const properties = readApplicationProperties(message.content.tail);
  return filter.properties.every(([key, value]) => isSame(properties.get(key), value));
}

const isSame = (actual: unknown, wanted: unknown): boolean =>
  comparable(actual) === comparable(wanted);

function comparable(value: unknown): unknown {
  if (value instanceof Date) return value.getTime();
  return Buffer.isBuffer(value) ? value.toString("hex") : value;
}

/** What a client may not use, by name. */
export const sqlNotEmulated = (expression: string) =>
  notEmulated(
    `SQL rule filters (${expression}); use a correlation filter, or "1=1" for everything`,
  );
