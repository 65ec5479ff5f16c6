import { argumentError, notAllowed, notEmulated } from "../amqp/errors.ts";
import { types } from "../amqp/rhea.ts";
import { entriesOf, mapOf } from "../amqp/typed.ts";
import { correlationFilter, type RuleFilter } from "../topics/rule-description.ts";
import { type Rules, sqlNotEmulated } from "../topics/rules.ts";
import { DONE, NOTHING, type Operation, type OperationContext } from "./operation.ts";

export const addRule: Operation = (context) => {
  const name = context.body.text("rule-name");
  const filter = filterIn(context);
  rulesOf(context).add({ name, filter, createdAt: context.clock.now() });
  return DONE;
};

export const removeRule: Operation = (context) => {
  rulesOf(context).remove(context.body.text("rule-name"));
  return DONE;
};

export const enumerateRules: Operation = (context) => {
  const [skip, top] = [context.body.number("skip"), context.body.number("top")];
  const page = rulesOf(context)
    .list()
    .slice(skip, skip + top);
  if (page.length === 0) return NOTHING;
  const rules = page.map((rule) => mapOf({ "rule-description": rule }));
  return { status: 200, body: mapOf({ rules: types.wrap_list(rules) }) };
};

function rulesOf({ entity }: OperationContext): Rules {
  if (entity.kind === "subscription") return entity.rules;
  throw notAllowed("Only a subscription has rules.");
}

function filterIn({ body }: OperationContext): RuleFilter {
  const description = new Map(entriesOf(body.field("rule-description")));
  const action = entriesOf(description.get("sql-rule-action"));
  if (action.length > 0) throw notEmulated("rule actions");
  const correlation = description.get("correlation-filter");
  if (correlation) {
    const fields = entriesOf(correlation);
    return correlationFilter(fields, fields.find(([key]) => key === "properties")?.[1]);
  }
  const sql = description.get("sql-filter");
  if (!sql) throw argumentError("The rule has no filter.");
  return constantFilter(String(entriesOf(sql).find(([key]) => key === "expression")?.[1].value));
}

/** SDKs write "everything" and "nothing" as SQL; no other expression is understood. */
function constantFilter(expression: string): RuleFilter {
  const compact = expression.replaceAll(/\s/g, "");
  if (compact === "1=1") return { kind: "true" };
  if (compact === "1=0") return { kind: "false" };
  throw sqlNotEmulated(expression);
}
