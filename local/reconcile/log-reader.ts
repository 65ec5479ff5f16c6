import * as z from "zod";
import type { Used } from "./compare-use.ts";

/** Hours of which use is compared, in epoch milliseconds. */
export interface Span {
  readonly fromAt: number;
  readonly beforeAt: number;
}

const eventSchema = z.object({
  event: z.literal("usage.noted"),
  id: z.string(),
  kind: z.enum(["answer", "attempt"]),
  endedAt: z.number(),
  work: z.string().optional(),
  user: z.string(),
  model: z.string().optional(),
  tokens: z.object({ totalTokens: z.number().optional() }).optional(),
});

/**
 * Reads what answers used from the lines of an event log, whatever else is in it. An event that was
 * written twice, by two sinks for example, counts once.
 */
export class LogReader {
  readonly #span: Span;
  readonly #seen = new Set<string>();
  /** For whom work in the background counts: whoever was told of it first. */
  readonly #owners = new Map<string, string>();
  readonly #uses: Used[] = [];

  constructor(span: Span) {
    this.#span = span;
  }

  read(line: string): void {
    if (!line.includes('"usage.noted"')) return;
    const event = parsed(line.slice(line.indexOf("{")));
    const { work } = event ?? {};
    if (event && work !== undefined && !this.#owners.has(work)) this.#owners.set(work, event.user);
    if (event?.kind !== "answer" || this.#seen.has(event.id)) return;
    const { fromAt, beforeAt } = this.#span;
    if (event.endedAt < fromAt || event.endedAt >= beforeAt) return;
    this.#seen.add(event.id);
    const { model = "", tokens } = event;
    const user = this.#owners.get(work ?? "") ?? event.user;
    this.#uses.push({ user, model, answers: 1, totalTokens: tokens?.totalTokens ?? 0 });
  }

  get uses(): readonly Used[] {
    return this.#uses;
  }
}

function parsed(text: string): z.infer<typeof eventSchema> | undefined {
  try {
    return eventSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
