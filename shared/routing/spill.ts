import type { SpillRule, SpillRules } from "../config/index.ts";
import type { PriorityClass } from "../core/domain.ts";

/** The rule that holds for a class. */
export function spillRuleFor(rules: SpillRules, priority: PriorityClass): SpillRule {
  return rules.byClass.get(priority) ?? rules.others;
}

/** Since when, in epoch milliseconds, a request may use a tier behind the first; never is Infinity. */
export function spillAt(
  rule: SpillRule,
  { receivedAt, expiresAt }: { readonly receivedAt: number; readonly expiresAt: number },
): number {
  switch (rule.when) {
    case "now":
      return receivedAt;
    case "after":
      return receivedAt + rule.waitedMs;
    case "deadline":
      return Math.max(receivedAt, expiresAt - rule.remainingMs);
    case "never":
      return Number.POSITIVE_INFINITY;
  }
}
