import type { Fields } from "../../shared/core/fields.ts";
import { badRequest } from "./api-error.ts";
import { estimateTokens } from "./generated-text.ts";
import { positiveInteger } from "./request-body.ts";
import { seededRandom } from "./seeded-random.ts";

const DEFAULT_DIMENSIONS = 1_536;
// https://platform.openai.com/docs/api-reference/embeddings/create
const MAX_DIMENSIONS = 3_072;
const MAX_INPUTS = 2_048;

/** What an embeddings request asks for. */
export interface EmbeddingsRequest {
  /** Text, or token numbers, of each input. */
  readonly inputs: readonly (string | readonly number[])[];
  readonly dimensions: number;
  readonly isBase64: boolean;
  readonly promptTokens: number;
}

/** Reads an embeddings request, or throws the 400 that names what is wrong. */
export function parseEmbeddingsRequest(body: Fields): EmbeddingsRequest {
  const inputs = inputsOf(body["input"]);
  if (inputs.length === 0 || inputs.length > MAX_INPUTS) {
    throw badRequest(`"input" must hold 1 to ${MAX_INPUTS} texts.`, "input");
  }
  const dimensions = positiveInteger(body, "dimensions") ?? DEFAULT_DIMENSIONS;
  if (dimensions > MAX_DIMENSIONS) {
    throw badRequest(`"dimensions" must be at most ${MAX_DIMENSIONS}.`, "dimensions");
  }
  const promptTokens = inputs.reduce((sum, input) => sum + tokensOf(input), 0);
  return { inputs, dimensions, isBase64: body["encoding_format"] === "base64", promptTokens };
}

function inputsOf(input: unknown): EmbeddingsRequest["inputs"] {
  if (typeof input === "string") return [input];
  if (!Array.isArray(input)) throw badRequest("Missing required parameter: 'input'.", "input");
  if (isTokens(input) && input.length > 0) return [input];
  if (input.every((one) => typeof one === "string" || isTokens(one))) return input;
  throw badRequest('"input" must be text, texts, token numbers or lists of them.', "input");
}

function isTokens(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((token) => typeof token === "number");
}

function tokensOf(input: string | readonly number[]): number {
  return typeof input === "string" ? estimateTokens(input) : input.length;
}

/** The answer: for one input always the same vector of length one. */
export function embeddings(request: EmbeddingsRequest, model: string, seed: number): object {
  const { inputs, dimensions, isBase64, promptTokens } = request;
  return {
    object: "list",
    data: inputs.map((input, index) => {
      const vector = unitVector(`${seed} ${model} ${String(input)}`, dimensions);
      return { object: "embedding", index, embedding: encode(vector, isBase64) };
    }),
    model,
    usage: { prompt_tokens: promptTokens, total_tokens: promptTokens },
  };
}

function unitVector(seedText: string, dimensions: number): Float32Array {
  const random = seededRandom(`embedding ${seedText}`);
  const vector = Float32Array.from({ length: dimensions }, () => random() * 2 - 1);
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

function encode(vector: Float32Array, isBase64: boolean): string | number[] {
  return isBase64 ? Buffer.from(vector.buffer).toString("base64") : [...vector];
}
