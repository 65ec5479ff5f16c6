import { asBuffer } from "../core/bytes.ts";
import type { RequestBody } from "../core/http.ts";
import { remembered } from "../core/remembered.ts";

/** What a request is to a model, as far as its head and the beginning of its body say. */
export interface GenAiRequest {
  /** Absent for what is no request to a model. */
  readonly operation: string | undefined;
  readonly provider: string | undefined;
  readonly model: string | undefined;
  /** What it makes, where its path alone says so: `image`, `speech`, or `text` of sounds. */
  readonly outputType: string | undefined;
}

interface Operation {
  readonly name: string;
  /** What it makes, where its path alone says so. */
  readonly outputType?: "image" | "speech" | "text";
}

const CHAT: Operation = { name: "chat" };
const EMBEDDINGS: Operation = { name: "embeddings" };
const IMAGE: Operation = { name: "generate_content", outputType: "image" };
// The conventions have no name for it.
const RERANK: Operation = { name: "rerank" };

// https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/#gen-ai-operation-name
const OPERATIONS: readonly (readonly [RegExp, Operation])[] = [
  [/\/chat\/completions$/, CHAT],
  [/\/completions$/, { name: "text_completion" }],
  [/\/embeddings$/, EMBEDDINGS],
  [/\/responses$/, CHAT],
  [/\/messages$/, CHAT],
  [/:(?:stream)?generateContent$/i, { name: "generate_content" }],
  [/:(?:batch)?embedContents?$/i, EMBEDDINGS],
  [/:(?:stream)?rawPredict$/i, CHAT],
  [/\/model\/[^/]*embed[^/]*\/invoke$/i, EMBEDDINGS],
  [/\/model\/[^/]*rerank[^/]*\/invoke$/i, RERANK],
  [/\/model\/[^/]*(?:image|stability\.|canvas)[^/]*\/invoke$/i, IMAGE],
  [/\/model\/[^/]+\/(?:invoke(?:-with-response-stream)?|converse(?:-stream)?)$/, CHAT],
  [/\/v2\/chat$/, CHAT],
  [/\/images\/(?:generations|edits|variations)$/, IMAGE],
  [/\/audio\/speech$/, { name: "generate_content", outputType: "speech" }],
  [/\/audio\/trans(?:cription|lation)s$/, { name: "generate_content", outputType: "text" }],
  [/\/moderations$/, { name: "moderation" }],
  [/\/rerank$/, RERANK],
];

const HOSTS: readonly (readonly [RegExp, string])[] = [
  [/\.openai\.azure\.(?:com|us|cn)$/, "azure.ai.openai"],
  [/\.(?:services\.ai|cognitiveservices)\.azure\.(?:com|us|cn)$/, "azure.ai.inference"],
  [/(?:^|\.)openai\.com$/, "openai"],
  [/(?:^|\.)anthropic\.com$/, "anthropic"],
  [/aiplatform\.googleapis\.com$/, "gcp.vertex_ai"],
  [/\.googleapis\.com$/, "gcp.gemini"],
  [/\.amazonaws\.com$/, "aws.bedrock"],
  [/(?:^|\.)mistral\.ai$/, "mistral_ai"],
  [/(?:^|\.)cohere\.(?:com|ai)$/, "cohere"],
  [/(?:^|\.)deepseek\.com$/, "deepseek"],
  [/(?:^|\.)groq\.com$/, "groq"],
  [/(?:^|\.)x\.ai$/, "x_ai"],
  [/(?:^|\.)perplexity\.ai$/, "perplexity"],
  [/(?:^|\.)moonshot\.(?:ai|cn)$/, "moonshot_ai"],
];

const PATHS: readonly (readonly [RegExp, string])[] = [
  [/\/openai\//, "azure.ai.openai"],
  [/\/messages$/, "anthropic"],
  [/\/models\/[^/]+:(?:stream)?rawPredict$/i, "gcp.vertex_ai"],
  [/\/models\/[^/]+:/, "gcp.gemini"],
  [/\/model\/[^/]+\/(?:invoke|converse)/, "aws.bedrock"],
  [/\/(?:v2\/chat|rerank)$/, "cohere"],
];

interface Asked {
  readonly method: string;
  readonly target: string;
  /** Of who is asked, where that is known. */
  readonly origin?: string | undefined;
  /** The model as the body names it. */
  readonly model?: string | undefined;
}

/** Reads what a request is to a model; who is asked tells more than what was asked for. */
export function genAiRequest({ method, target, origin, model }: Asked): GenAiRequest {
  const found = method === "POST" ? inPath(pathOf(target)) : NONE;
  const { operation, provider, model: modelOfPath, outputType } = found;
  if (operation === undefined) return NONE;
  const known = origin === undefined ? undefined : atOrigin(origin).provider;
  const named = modelOfPath ?? model;
  return { operation, provider: known ?? provider ?? "openai", model: named, outputType };
}

// Asked for several times a request: a pattern would cost more than the rest.
function pathOf(target: string): string {
  const queryAt = target.indexOf("?");
  const path = queryAt < 0 ? target : target.slice(0, queryAt);
  const fragmentAt = path.indexOf("#");
  return fragmentAt < 0 ? path : path.slice(0, fragmentAt);
}

/** Both are searched by many patterns, and the same few come again with nearly all requests. */
const inPath = remembered((path): GenAiRequest => {
  const { name, outputType } = first(OPERATIONS, path) ?? {};
  return { operation: name, provider: first(PATHS, path), model: modelInPath(path), outputType };
});
const atOrigin = remembered((origin) => ({ provider: first(HOSTS, hostOf(origin)) }));

const NONE: GenAiRequest = {
  operation: undefined,
  provider: undefined,
  model: undefined,
  outputType: undefined,
};

const first = <Known>(
  known: readonly (readonly [RegExp, Known])[],
  text: string,
): Known | undefined => known.find(([pattern]) => pattern.test(text))?.[1];

function hostOf(origin: string): string {
  return origin
    .replace(/^[a-z]+:\/\//i, "")
    .replace(/:\d+$/, "")
    .toLowerCase();
}

function modelInPath(path: string): string | undefined {
  // Bedrock's have colons, as they are or encoded, and may be addresses of what they stand for.
  const bedrock = /\/model\/([^/]+)\/(?:invoke|converse)/.exec(path)?.[1];
  const found = bedrock ?? /\/(?:deployments|models)\/([^/:]+)/.exec(path)?.[1];
  return found?.replace(/%3a/gi, ":").replace(/%2f/gi, "/").slice(0, MAX_MODEL_LENGTH);
}

// Clients write the model before the messages; a whole body is not searched for it.
const SEARCHED_BYTES = 4096;
const MAX_MODEL_LENGTH = 128;
const MODEL = /"model"\s*:\s*"([^"\\]{1,128})"/;

/** The model that a body asks for, where that stands near its beginning: a hint, and no decision. */
export function modelHint(body: RequestBody | undefined): string | undefined {
  if (body === undefined) return undefined;
  if (!(body instanceof Uint8Array)) {
    const member = body.members.find(({ name }) => name === "model");
    return member && MODEL.exec(`"model":${member.text}`)?.[1];
  }
  const bytes = asBuffer(body);
  const found =
    MODEL.exec(bytes.toString("latin1", 0, SEARCHED_BYTES))?.[1] ??
    (isForm(bytes) ? modelOfForm(bytes) : undefined);
  return found && fromLatin1(found);
}

const HYPHEN = 0x2d;
const FORM_MODEL = /name="?model"?(?:\r\n[^\r\n]+)*\r\n\r\n([^\r\n]{1,128})\r\n--/;

/** Forms begin with their boundary, and JSON with nothing like it. */
const isForm = (bytes: Buffer): boolean => bytes[0] === HYPHEN && bytes[1] === HYPHEN;

/** Pictures and sounds are asked for by forms, whose file may stand before or behind the model. */
function modelOfForm(bytes: Buffer): string | undefined {
  const end = bytes.toString("latin1", Math.max(0, bytes.length - SEARCHED_BYTES));
  const beginning = bytes.toString("latin1", 0, SEARCHED_BYTES);
  return (FORM_MODEL.exec(beginning) ?? FORM_MODEL.exec(end))?.[1];
}

/** UTF-8 whose bytes were taken for characters; nearly all names are ASCII. */
const fromLatin1 = (text: string): string =>
  BEYOND_ASCII.test(text) ? Buffer.from(text, "latin1").toString() : text;
const BEYOND_ASCII = /[\x80-\xff]/;
