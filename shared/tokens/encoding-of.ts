/** A way of cutting texts into tokens. */
export type EncodingName = "o200k_base" | "cl100k_base";

// https://github.com/openai/tiktoken/blob/main/tiktoken/model.py
const OLDER = /^(?:gpt-4(?!o|\.)|gpt-3\.?5|text-embedding-|davinci-002|babbage-002)/i;

/** The encoding of a model, by its name; the newest for one that is not known: it is close to most. */
export function encodingOf(model: string | undefined): EncodingName {
  return OLDER.test(model ?? "") ? "cl100k_base" : "o200k_base";
}
