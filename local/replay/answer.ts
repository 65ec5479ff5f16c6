import * as z from "zod";
import { parsedJson } from "../../shared/core/parsed-json.ts";
import { ReplayFailure } from "./replay-failure.ts";

/** Where a wait was read from, as the report names it. */
export type WaitSource = "queue header" | "job start" | "first byte";

/** How long a request waited to be served. */
export interface Wait {
  readonly source: WaitSource;
  readonly ms: number;
}

/** What is known of a request that was answered as it should be. */
export interface Answer {
  /** When the first token was in the client's hands: epoch milliseconds. */
  readonly firstTokenAt: number;
  readonly outputTokens: number;
  readonly wait: Wait | undefined;
  /** The gateway made a job of a request that did not ask for one. */
  readonly isPromoted?: boolean;
}

const completionSchema = z.object({
  object: z.literal("chat.completion"),
  choices: z.array(z.object({ message: z.object({ role: z.literal("assistant") }) })).min(1),
  usage: z.object({ completion_tokens: z.number() }).optional(),
});

/** The completion tokens of a chat completion; fails when the text is none. */
export function completionTokens(text: string): number {
  const parsed = completionSchema.safeParse(parsedJson(text));
  if (parsed.success) return parsed.data.usage?.completion_tokens ?? 0;
  throw new ReplayFailure("no chat completion", `The answer is no chat completion: ${text}`);
}

const QUEUE_HEADER = "x-request-queue-duration";

/** The wait that the gateway itself states, in milliseconds: `x-Request-Queue-Duration: 12 ms`. */
export function statedWait(headers: Headers): Wait | undefined {
  const ms = Number.parseFloat(headers.get(QUEUE_HEADER) ?? "");
  return ms >= 0 ? { source: "queue header", ms } : undefined;
}
