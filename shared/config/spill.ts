import * as z from "zod";
import type { PriorityClass } from "../core/domain.ts";

/**
 * When a class may use a tier behind the first: at once, once it has waited, once its deadline is
 * near, or not at all.
 */
export type SpillRule =
  | { readonly when: "now" }
  | { readonly when: "after"; readonly waitedMs: number }
  | { readonly when: "deadline"; readonly remainingMs: number }
  | { readonly when: "never" };

/** The rule of each class; `others` holds for classes that are not named. */
export interface SpillRules {
  readonly byClass: ReadonlyMap<PriorityClass, SpillRule>;
  readonly others: SpillRule;
}

const ENTRY = /^(\d{1,4}|\*)\s*=\s*(?:(now|never)|(after|deadline)\s*:\s*(\d{1,10}))$/i;

/** Reads `1=now,2=after:2000,3=deadline:30000,*=never`, times in milliseconds. */
export const spillRules = z.string().transform((text, context): SpillRules => {
  const byClass = new Map<PriorityClass, SpillRule>();
  let others: SpillRule = { when: "now" };
  for (const entry of text.split(",").map((part) => part.trim())) {
    const match = ENTRY.exec(entry);
    if (!match) {
      context.addIssue({
        code: "custom",
        message: `expected CLASS=now|never|after:MS|deadline:MS, got "${entry}"`,
      });
      continue;
    }
    const rule = toRule(match);
    if (match[1] === "*") others = rule;
    else byClass.set(Number(match[1]), rule);
  }
  return { byClass, others };
});

function toRule([, , plain, timed, ms]: RegExpExecArray): SpillRule {
  if (plain !== undefined) return { when: plain.toLowerCase() === "now" ? "now" : "never" };
  return timed?.toLowerCase() === "after"
    ? { when: "after", waitedMs: Number(ms) }
    : { when: "deadline", remainingMs: Number(ms) };
}
