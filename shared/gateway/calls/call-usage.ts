import type { BackendAnswer } from "../../backends/index.ts";
import { type HeaderList, headerValue } from "../../core/headers.ts";
import type { RequestBody } from "../../core/http.ts";
import { ANONYMOUS_USER, type Caller } from "../../identity/index.ts";
import { promptTokens } from "../../limits/index.ts";
import type { Candidate } from "../../routing/index.ts";
import { genAiRequest, modelHint } from "../../telemetry/index.ts";
import { type AnswerUsage, isEventStream, type UsageKind } from "../../usage/index.ts";
import type { Services } from "../services.ts";
import { type AnswerOutcome, type AnswerSlot, AnswerWatch, withoutUse } from "./answer-watch.ts";
import { toldOnce } from "./told-once.ts";

/** What must be known of a request to note what its calls used. */
export interface UsingRequest {
  readonly id: string;
  /** POST unless given. */
  readonly method?: string | undefined;
  readonly priority?: number | undefined;
  readonly body: RequestBody | undefined;
  /** The model that its body names, where that was looked for already. */
  readonly askedModel?: string | undefined;
  /** Whom it counts for; the user without a name unless given. */
  readonly caller?: Caller | undefined;
  /** Where the answer's watch is left for who follows it. */
  readonly usage?: AnswerSlot | undefined;
}

interface CallEnd {
  readonly kind: UsageKind;
  readonly candidate: Candidate;
  readonly status: number;
}

/** Notes a call whose answer says nothing of what it used: a refusal, or a failure. */
export function noteCall(services: Services, request: UsingRequest, end: CallEnd): void {
  services.usage.journal.note(factsOf(services, request, end));
}

/** The status of a call that was given up before there was an answer. */
export const CLIENT_CLOSED = 499;

const PROMPT_ONLY = { provenance: "partial", uncounted: { text: "", scale: 1 } } as const;

/**
 * Notes a call that was given up before its answer began. Once it was sent its backend may have read the
 * whole prompt, and that is all that can be known.
 */
export function noteCutOff(
  services: Services,
  request: UsingRequest,
  { candidate, isSent }: { readonly candidate: Candidate; readonly isSent: boolean },
): void {
  const facts = factsOf(services, request, { kind: "attempt", candidate, status: CLIENT_CLOSED });
  const read = isSent ? { ...facts, prompt: promptOf(request, candidate) } : facts;
  services.usage.journal.note(read, isSent ? PROMPT_ONLY : undefined);
}

/**
 * Watches an answer, and notes what it used when it is over. One that breaks off is a failed attempt, and
 * so is one of which nobody got anything.
 */
export function watchAnswer(
  services: Services,
  request: UsingRequest,
  { answer, candidate }: { answer: BackendAnswer; candidate: Candidate },
): AnswerWatch {
  const { status, headers } = answer;
  // Not the request itself: an answer may outlast it by far.
  const facts = {
    ...factsOf(services, request, { kind: "answer", candidate, status }),
    prompt: status < 300 ? promptOf(request, candidate) : undefined,
  };
  const isUnread = isLeftUnread(candidate.host.processor, { status, headers });
  const isAgain = asksAgain(request, candidate);
  const watch = new AnswerWatch({
    headers,
    isUnread,
    isAgain,
    timer: isEventStream(typeOf(headers)) ? services.clock : undefined,
    onEnd(usage, outcome) {
      const kind = outcome === "broken" || outcome === "unused" ? "attempt" : "answer";
      const work = toldOnce(usage);
      if (work && usage.provenance !== "reported") {
        // It goes on, and tells its use to who looks when it has ended: an estimate would count it twice.
        const begun = isAgain ? {} : work;
        services.usage.journal.note({ ...facts, kind, ...begun }, withoutUse(usage));
        return;
      }
      const used = isUnread ? usage : withPrompt(usage, outcome, facts.prompt);
      const isShown = isAgain && !work;
      services.usage.journal.note({ ...facts, kind, ...work }, isShown ? withoutUse(used) : used);
    },
  });
  if (request.usage) request.usage.current = watch;
  return watch;
}

const typeOf = (headers: HeaderList): string =>
  headerValue(headers, "content-type")?.toLowerCase() ?? "";

type Prompt = ReturnType<typeof promptOf>;

/**
 * Of an answer of which nothing had come but its head, all that is known is that its prompt was read; and
 * that is all that there is to embeddings, which not every provider counts.
 */
function withPrompt(usage: AnswerUsage, outcome: AnswerOutcome, prompt: Prompt): AnswerUsage {
  if (!prompt || usage.provenance !== "unknown") return usage;
  if (outcome !== "whole") return { ...usage, ...PROMPT_ONLY };
  return prompt.isAll ? { ...usage, uncounted: PROMPT_ONLY.uncounted } : usage;
}

// Answers, and work, that their provider keeps: it tells what they used to everybody who asks, and an answer
// was counted when it was given.
const KEPT = /\/(?:responses|chat\/completions|batches|runs|steps)\/[^/?]+(?:\?|$)/;
// What is noted beside such an answer gives it once more.
const NOTED = /\/chat\/completions\/[^/?]+(?:\?|$)/;

const asksAgain = ({ method }: UsingRequest, { target }: Candidate): boolean =>
  (method === "GET" ? KEPT : NOTED).test(target);

function factsOf(services: Services, request: UsingRequest, end: CallEnd) {
  const { kind, candidate, status } = end;
  const { host, target } = candidate;
  return {
    kind,
    requestId: request.id,
    caller: request.caller ?? { userId: ANONYMOUS_USER },
    priority: request.priority ?? services.settings.priority.defaultClass,
    backend: host.id,
    status,
    askedModel: host.model ?? askedModel(target, request),
  };
}

// As much as each answer that is on its way may hold of its request.
const MAX_PROMPT_BYTES = 64 * 1024;

// Nothing else is paid for by its words: neither pictures and sounds, nor judgements.
const OF_TEXTS: ReadonlySet<string | undefined> = new Set([
  ...["chat", "text_completion", "embeddings", "generate_content"],
]);

/** What an estimate is made of; of nothing but requests to models, for texts. */
function promptOf({ body, method = "POST" }: UsingRequest, { target }: Candidate) {
  const { operation, outputType } = genAiRequest({ method, target });
  if (body === undefined || outputType !== undefined || !OF_TEXTS.has(operation)) return undefined;
  const isAll = operation === "embeddings";
  if (body instanceof Uint8Array && body.byteLength <= MAX_PROMPT_BYTES) {
    return { body, tokens: 0, isAll };
  }
  return { tokens: promptTokens(body), isAll };
}

// The original's parsers that copy bytes and read nothing.
const NO_PARSERS = new Set(["defaultstream", "inline"]);

/**
 * Whether its backend wants an answer not to be read: by its `processor=`, else as in the original by the
 * header of an answer with the status 200. Every other parser's name stands for the one that there is.
 */
function isLeftUnread(
  processor: string | undefined,
  { status, headers }: { status: number; headers: HeaderList },
): boolean {
  const told = status === 200 ? headerValue(headers, "TOKENPROCESSOR") : undefined;
  return readsNothing(processor ?? told);
}

/** Whether a parser of this name leaves answers unread. */
export function readsNothing(processor: string | undefined): boolean {
  if (processor === undefined) return false;
  const name = processor.trim().replace(/(Processor|Parser)$/i, "");
  return NO_PARSERS.has(name.toLowerCase());
}

/** The model that a request names: in its path, or near the beginning of its body. */
function askedModel(target: string, request: UsingRequest): string | undefined {
  return genAiRequest({ method: "POST", target, model: modelOfBody(request) }).model;
}

/** The model that a request's body names: it is looked for once. */
export function modelOfBody({
  askedModel,
  body,
}: Pick<UsingRequest, "askedModel" | "body">): string | undefined {
  return askedModel ?? modelHint(body);
}
