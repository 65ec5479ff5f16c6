import type { AnswerUsage } from "../../usage/index.ts";
import type { UsageFacts } from "../usage/usage-journal.ts";

/**
 * Work in the background is told of by each answer that shows it, to whoever asks. Its use counts once, by
 * the provider's own name for it: to the hour in which it began, and for whoever had it begun. Undefined
 * for what is no such work.
 */
export function toldOnce({
  backgroundSince: endedAt,
  responseId: work,
  provenance,
}: AnswerUsage): Pick<UsageFacts, "id" | "work" | "endedAt"> | undefined {
  if (endedAt === undefined || work === undefined) return undefined;
  const id = provenance === "reported" ? `background-${work}` : `begun-${work}`;
  return { id, work, endedAt };
}
