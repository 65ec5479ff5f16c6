import type { AnswerUsage } from "../../usage/index.ts";

/** Under what name, and to which time, a use counts that may be told more than once. */
interface ToldOnce {
  readonly id: string;
  readonly work: string;
  readonly endedAt: number;
}

/**
 * Work in the background is told of by each answer that shows it, to whoever asks. Its use counts once, by
 * the provider's own name for it: to the hour in which it began, and for whoever had it begun. Undefined
 * for what is no such work.
 */
export function toldOnce({
  backgroundSince: endedAt,
  responseId: work,
  provenance,
}: AnswerUsage): ToldOnce | undefined {
  if (endedAt === undefined || work === undefined) return undefined;
  const id = provenance === "reported" ? `background-${work}` : `begun-${work}`;
  return { id, work, endedAt };
}
