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

type Count = (text: string) => number;

// https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken
const TOKENS_A_MESSAGE = 3;
const TOKENS_OF_THE_ANSWERS_BEGINNING = 3;
const MAX_PIECE_CHARACTERS = 4000;
// What looks like a control token is text here, as it is for a model's endpoint.
const AS_TEXT = { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() };

async function counterOf(encoding: EncodingName): Promise<Count> {
  const { countTokens } =
    encoding === "cl100k_base"
      ? await import("gpt-tokenizer/encoding/cl100k_base")
      : await import("gpt-tokenizer/encoding/o200k_base");
  return (text) => pieces(text).reduce((sum, piece) => sum + countTokens(piece, AS_TEXT), 0);
}

/** Cut at spaces: the time that a run of letters takes grows with the square of its length. */
function pieces(text: string): string[] {
  const found: string[] = [];
  for (let at = 0; at < text.length; ) {
    const latest = at + MAX_PIECE_CHARACTERS;
    const space = latest < text.length ? text.lastIndexOf(" ", latest) : -1;
    const end = space > at ? space : latest;
    found.push(text.slice(at, end));
    at = end;
  }
  return found;
}

/** Counts a request's and an answer's tokens. Takes its time: not for the thread that serves. */
export async function countTokens({ encoding, body, text }: CountTask): Promise<TokenCount> {
  const count = await counterOf(encoding);
  return { inputTokens: body && countPrompt(body, count), outputTokens: count(text) };
}

function countPrompt(body: Uint8Array, count: Count): number | undefined {
  try {
    const { texts, messages } = promptPieces(JSON.parse(Buffer.from(body).toString()));
    const spoken = texts.reduce((sum, piece) => sum + count(piece), 0);
    if (messages === 0) return spoken;
    return spoken + messages * TOKENS_A_MESSAGE + TOKENS_OF_THE_ANSWERS_BEGINNING;
  } catch {
    return undefined;
  }
}
