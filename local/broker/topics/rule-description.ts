import { argumentError } from "../amqp/errors.ts";
import { type Typed, types } from "../amqp/rhea.ts";
import { describedList, descriptorOf, entriesOf, valuesOf } from "../amqp/typed.ts";
import { CORRELATION_FIELDS, type SystemProperties } from "./correlation.ts";

/** What a rule lets through. */
export type RuleFilter =
  | { readonly kind: "true" }
  | { readonly kind: "false" }
  | {
      readonly kind: "correlation";
      readonly system: SystemProperties;
      readonly properties: readonly (readonly [string, unknown])[];
      /** The properties with their AMQP types, to describe the rule as it was given. */
      readonly typedProperties: Typed;
    };

// Descriptors of Service Bus's own types; filters do have one digit less.
const CODE = {
  rule: 0x13700000004,
  emptyAction: 0x13700000005,
  trueFilter: 0x1370000007,
  falseFilter: 0x1370000008,
  correlationFilter: 0x1370000009,
} as const;

/** A rule in the form that `enumerate-rules` answers with and the store keeps. */
export function describeRule(rule: { name: string; filter: RuleFilter; createdAt: number }): Typed {
  return describedList(CODE.rule, [
    describeFilter(rule.filter),
    describedList(CODE.emptyAction, []),
    types.wrap_string(rule.name),
    types.wrap_timestamp(rule.createdAt),
  ]);
}

function describeFilter(filter: RuleFilter): Typed {
  if (filter.kind === "true") return describedList(CODE.trueFilter, []);
  if (filter.kind === "false") return describedList(CODE.falseFilter, []);
  const system = CORRELATION_FIELDS.map((field) => {
    const text = filter.system[field];
    return text === undefined ? types.Null() : types.wrap_string(text);
  });
  return describedList(CODE.correlationFilter, [...system, filter.typedProperties]);
}

/** The filter within a stored rule. */
export function filterOf(rule: Typed): RuleFilter {
  const [filter] = valuesOf(rule);
  switch (descriptorOf(filter)) {
    case CODE.trueFilter:
      return { kind: "true" };
    case CODE.falseFilter:
      return { kind: "false" };
    case CODE.correlationFilter: {
      const values = valuesOf(filter);
      const named = CORRELATION_FIELDS.map((field, index) => [field, values[index]] as const);
      return correlationFilter(named, values[CORRELATION_FIELDS.length]);
    }
    default:
      throw argumentError("The rule has a filter that the local stack does not know.");
  }
}

/** A correlation filter from its fields; null and absent ones are not compared. */
export function correlationFilter(
  fields: readonly (readonly [string, Typed | undefined])[],
  properties: Typed | undefined,
): RuleFilter {
  const system: SystemProperties = {};
  for (const field of CORRELATION_FIELDS) {
    const value = fields.find(([name]) => name === field)?.[1]?.value;
    if (value !== undefined && value !== null && value !== "") system[field] = String(value);
  }
  const entries = entriesOf(properties);
  const typedProperties = types.Map32(
    entries.flatMap(([key, value]) => [types.wrap_string(key), value]),
  );
  return {
    kind: "correlation",
    system,
    properties: entries.map(([key, value]) => [key, types.unwrap(value)]),
    typedProperties,
  };
}
