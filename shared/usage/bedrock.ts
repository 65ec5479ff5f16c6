import { type HeaderList, headerValue } from "../core/headers.ts";
import { parsedJson } from "../core/parsed-json.ts";
import type { AmazonEvent } from "./amazon-events.ts";
import type { RawUsage } from "./token-usage.ts";

/** Under which name the last event of a stream has Bedrock's own count, whatever the model's maker tells. */
export const INVOCATION_METRICS = "amazon-bedrock-invocationMetrics";

// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html
const PREFIX = "x-amzn-bedrock-";
const COUNTS = [
  [`${PREFIX}input-token-count`, "inputTokenCount"],
  [`${PREFIX}output-token-count`, "outputTokenCount"],
  [`${PREFIX}cache-read-input-token-count`, "cacheReadInputTokenCount"],
  [`${PREFIX}cache-write-input-token-count`, "cacheWriteInputTokenCount"],
] as const;

const MAX_DIGITS = 15;
const WHOLE_NUMBER = new RegExp(`^\\d{1,${MAX_DIGITS}}$`);

/** What an answer's head tells of its use; undefined where it tells nothing. */
export function usageInHead(headers: HeaderList): RawUsage | undefined {
  // Of all that is told there is a count of the prompt.
  if (headerValue(headers, COUNTS[0][0]) === undefined) return undefined;
  const usage: Record<string, number> = {};
  for (const [header, name] of COUNTS) {
    const value = headerValue(headers, header)?.trim() ?? "";
    if (WHOLE_NUMBER.test(value)) usage[name] = Number(value);
  }
  return usage;
}

const TELLS = new RegExp(`"(?:usage|${INVOCATION_METRICS})"`);
const WRAPPED = /"bytes"\s*:\s*"([A-Za-z0-9+/=]*)"/;

/** What one event says: `text` as Latin-1, and its JSON where that reports use. */
export interface BedrockEvent {
  readonly text: string;
  readonly json: unknown;
}

/** Reads an event of `ConverseStream`, or of `InvokeModelWithResponseStream`, which wraps the maker's own. */
export function bedrockEvent({ payload, isSound }: AmazonEvent): BedrockEvent {
  const outer = payload.toString("latin1");
  const wrapped = WRAPPED.exec(outer)?.[1];
  const bytes = wrapped === undefined ? payload : Buffer.from(wrapped, "base64");
  const text = wrapped === undefined ? outer : bytes.toString("latin1");
  return { text, json: TELLS.test(text) && isSound() ? parsedJson(bytes.toString()) : undefined };
}
