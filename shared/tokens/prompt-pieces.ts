import { isFields } from "../core/fields.ts";

/** What a model reads of a request, for a count of its tokens. */
export interface PromptPieces {
  readonly texts: readonly string[];
  /** Messages, each of which costs some tokens of its own. */
  readonly messages: number;
}

// Names of one member each: what stands beside them are parameters.
const MESSAGE_LISTS = ["messages", "input", "contents"] as const;
const TEXTS = [
  ...["prompt", "instructions", "system", "systemInstruction", "tools"],
  // Gemini's embeddings: of one text, and of several.
  ...["content", "requests"],
];

/** Reads a request's JSON: chat and text completions, responses, messages, Gemini's contents, embeddings. */
export function promptPieces(request: unknown): PromptPieces {
  if (!isFields(request)) return { texts: [], messages: 0 };
  const texts: string[] = [];
  let messages = 0;
  for (const name of MESSAGE_LISTS) {
    const list = request[name];
    if (Array.isArray(list)) messages += list.filter(isFields).length;
    collect(list, texts);
  }
  for (const name of TEXTS) collect(request[name], texts);
  return { texts, messages };
}

const SPOKEN = new Set(["content", "text", "parts", "name", "role", "arguments", "output"]);

function collect(value: unknown, texts: string[]): void {
  if (typeof value === "string") texts.push(value);
  else if (Array.isArray(value)) for (const item of value) collect(item, texts);
  else if (isFields(value)) {
    for (const [name, field] of Object.entries(value)) if (SPOKEN.has(name)) collect(field, texts);
    // A tool is told to the model in a form of its own, about as long as its JSON.
    if ("function" in value || "input_schema" in value || "parameters" in value) {
      texts.push(JSON.stringify(value["function"] ?? value));
    }
  }
}
