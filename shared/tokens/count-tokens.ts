import { type Encoding, encodingNamed } from "./encoding.ts";
import type { EncodingName } from "./encoding-of.ts";
import { promptPieces } from "./prompt-pieces.ts";

/** What is to be counted. */
export interface CountTask {
  readonly encoding: EncodingName;
  /** The request's body, where it is short enough to be counted. */
  readonly body: Uint8Array | undefined;
  /** What the answer said. */
  readonly text: string;
}

export interface TokenCount {
  readonly inputTokens: number | undefined;
  readonly outputTokens: number;
}

// https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken
const TOKENS_A_MESSAGE = 3;
const TOKENS_OF_THE_ANSWERS_BEGINNING = 3;

/** Counts a request's and an answer's tokens. Takes its time: not for the thread that serves. */
export function countTokens({ encoding: name, body, text }: CountTask): TokenCount {
  const encoding = encodingNamed(name);
  return { inputTokens: body && countPrompt(body, encoding), outputTokens: encoding.count(text) };
}

function countPrompt(body: Uint8Array, encoding: Encoding): number | undefined {
  try {
    const { texts, messages } = promptPieces(JSON.parse(Buffer.from(body).toString()));
    const spoken = texts.reduce((sum, piece) => sum + encoding.count(piece), 0);
    if (messages === 0) return spoken;
    return spoken + messages * TOKENS_A_MESSAGE + TOKENS_OF_THE_ANSWERS_BEGINNING;
  } catch {
    return undefined;
  }
}
