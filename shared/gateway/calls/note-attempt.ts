import { elapsedMs } from "../../core/clock.ts";
import type { SpanPlace } from "../../core/trace-context.ts";
import type { AttemptRecord, Candidate, Selection } from "../../routing/index.ts";
import { attemptEnded, genAiRequest, redactTarget, spanFacts } from "../../telemetry/index.ts";
import type { Services } from "../services.ts";
import type { AnswerWatch, WatchedEnd } from "./answer-watch.ts";
import type { OutgoingRequest } from "./call-backends.ts";
import { modelOfBody } from "./call-usage.ts";
import type { RouteTrip } from "./route-trip.ts";

interface Call {
  readonly request: OutgoingRequest;
  readonly trip: RouteTrip;
  readonly selection: Selection<Candidate>;
  readonly candidate: Candidate;
  readonly span: SpanPlace | undefined;
}

interface CallBegun {
  readonly startedAt: number;
  readonly status: number;
  readonly outcome: string;
  /** Who reads along the answer, where there is one that somebody is to have. */
  readonly watch: AnswerWatch | undefined;
}

/**
 * Notes a call whose answer has begun, or never will. Its record follows when the answer is over, with what
 * it used; at once where there is none.
 */
export function noteAttempt(
  { clock, emit }: Pick<Services, "clock" | "emit">,
  { request, trip, selection, candidate, span }: Call,
  { startedAt, status, outcome, watch }: CallBegun,
): void {
  const { host } = candidate;
  const record = {
    backend: host.id,
    tier: host.tier,
    atMs: startedAt - trip.facts.receivedAt,
    tookMs: elapsedMs(clock, startedAt),
    status,
    outcome,
  };
  trip.attempted(record, selection.firstTier);
  const facts = {
    ...record,
    priority: trip.facts.priority,
    attempt: trip.attemptCount,
    startedAt,
    isSpilled: record.tier !== selection.firstTier,
    method: request.method,
  };
  const model = host.model ?? modelOfBody(request);
  // By a function of its own: whoever waits for the end of an answer must not hold its request.
  follow({ id: request.id, clock, emit }, { facts, model, candidate, span }, watch);
}

interface AttemptBegun {
  /** What is told as it is. */
  readonly facts: AttemptRecord & { readonly startedAt: number; readonly method: string };
  readonly model: string | undefined;
  readonly candidate: Candidate;
  readonly span: SpanPlace | undefined;
}

type Teller = Pick<Services, "clock" | "emit"> & { readonly id: string };

function follow(teller: Teller, begun: AttemptBegun, watch: AnswerWatch | undefined): void {
  const { id, clock, emit } = teller;
  const { startedAt, tookMs } = begun.facts;
  const tell = (end?: WatchedEnd): void => {
    const totalMs = end ? elapsedMs(clock, startedAt) : tookMs;
    emit(attemptEnded(id, () => attemptOf(begun, totalMs, end)));
  };
  if (watch) watch.follow(tell);
  else tell();
}

function attemptOf(
  { facts, model: hint, candidate, span }: AttemptBegun,
  totalMs: number,
  end: WatchedEnd | undefined,
): object {
  const { tokens, provenance, model, responseId, finishReasons, serviceTier } = end?.usage ?? {};
  const { firstReadAt } = end ?? {};
  const { host, target } = candidate;
  const { origin } = host;
  const asked = genAiRequest({ method: facts.method, target, origin, model: hint });
  return {
    ...facts,
    totalMs,
    firstChunkMs: firstReadAt === undefined ? undefined : firstReadAt - facts.startedAt,
    outcome: end?.outcome === "broken" ? "broken" : facts.outcome,
    isWhole: end ? end.outcome === "whole" : undefined,
    model,
    responseId,
    finishReasons,
    serviceTier,
    tokens,
    usage: provenance,
    origin,
    path: redactTarget(target),
    operation: asked.operation,
    provider: asked.provider,
    requestModel: asked.model,
    outputType: asked.outputType,
    ...spanFacts(span),
  };
}
