import type { TelemetrySettings } from "../config/index.ts";
import type { TelemetryEvent } from "./events.ts";
import { KnownNames } from "./known-names.ts";
import type { MetricBook } from "./metric-book.ts";
import type { MetricDefinition } from "./metric-definition.ts";
import { METRICS } from "./metrics.ts";
import {
  type AttemptFacts,
  attemptFacts,
  errorOf,
  type RequestFacts,
  requestFacts,
} from "./record-facts.ts";
import type { Labels } from "./series-tree.ts";
import type { Sink } from "./sinks.ts";

const MS_PER_SECOND = 1000;
// Of what a provider does not tell apart the modality is not known.
const [MODALITY_UNKNOWN, MODALITY_AUDIO] = ["unknown", "audio"];

type Limits = Pick<TelemetrySettings, "maxModels" | "maxUsers">;

/** Counts what the records of requests, and a few events, tell. */
export function measureRecords(book: MetricBook, { maxModels, maxUsers }: Limits): Sink {
  const models = new KnownNames(maxModels);
  const users = new KnownNames(maxUsers);
  const measures: Readonly<Record<string, (event: TelemetryEvent) => void>> = {
    "request.ended": (event) => measureRequest(book, requestFacts(event), { models, users }),
    "attempt.ended": (event) => measureAttempt(book, attemptFacts(event), models),
    "attempt.resent": ({ backend, reason }) =>
      book.record(METRICS.resends, [String(backend), String(reason)]),
    "response.broken": () => book.record(METRICS.brokenAnswers, []),
    "backend.breaker.changed": ({ backend, state, reason }) =>
      book.record(METRICS.backendChanges, [String(backend), String(state), String(reason)]),
    "backend.health.changed": ({ backend, isHealthy }) => {
      const state = isHealthy ? "healthy" : "unhealthy";
      book.record(METRICS.backendChanges, [String(backend), state, "probes"]);
    },
    "usage.counted": ({ lagMs }) =>
      book.record(METRICS.ledgerLag, [], Number(lagMs) / MS_PER_SECOND),
    "usage.dropped": ({ events }) =>
      book.record(METRICS.ledgerProblems, ["dropped"], Number(events)),
    "usage.uncounted": () => book.record(METRICS.ledgerProblems, ["uncounted"]),
    "usage.unestimated": () => book.record(METRICS.ledgerProblems, ["unestimated"]),
    "usage.poisoned": () => book.record(METRICS.ledgerProblems, ["poisoned"]),
    "message.failed": ({ lane, isLastDelivery }) =>
      book.record(METRICS.failedMessages, [String(lane), isLastDelivery ? "last" : "again"]),
  };
  return {
    hears: ({ event }) => Object.hasOwn(measures, event),
    take: (event) => measures[event.event]?.(event),
  };
}

interface Names {
  readonly models: KnownNames;
  readonly users: KnownNames;
}

/** What is told apart in the figures of a request. */
interface Told {
  readonly facts: RequestFacts;
  /** By the conventions: operation, provider, models, backend. */
  readonly genAi: Labels;
  readonly model: string | undefined;
  readonly user: string | undefined;
}

function measureRequest(book: MetricBook, facts: RequestFacts, { models, users }: Names): void {
  const { status, code, backend, priority, kind } = facts;
  book.record(METRICS.requests, [priority, status, code]);
  if (code !== undefined) book.record(METRICS.refusals, [code, priority]);
  // The job that stands for it is told by itself, when it has ended.
  if (kind === "accepted") return;
  const isAnswered = status !== undefined && status < 400;
  const model = models.told(facts.model ?? facts.requestModel, isAnswered);
  const { operation, provider } = facts;
  const asked = models.told(facts.requestModel, isAnswered);
  const genAi = [operation, provider, asked, models.told(facts.model, isAnswered), backend];
  const told = { facts, genAi, model, user: users.told(facts.user, isAnswered) };
  book.record(METRICS.total, [priority, model, backend], facts.totalMs / MS_PER_SECOND);
  book.record(METRICS.queueWait, [priority, model, backend], facts.waitMs / MS_PER_SECOND);
  if (told.user !== undefined) book.record(METRICS.userRequests, [told.user]);
  if (operation !== undefined) {
    const error = isAnswered ? undefined : (code ?? String(status));
    book.record(METRICS.requestDuration, [...genAi, error], facts.totalMs / MS_PER_SECOND);
  }
  measureStream(book, told);
  measureTokens(book, told);
}

function measureStream(book: MetricBook, { facts, genAi, model }: Told): void {
  const { firstByteMs, totalMs, isWhole, tokens, backend } = facts;
  if (firstByteMs === undefined) return;
  book.record(METRICS.timeToFirstToken, genAi, firstByteMs / MS_PER_SECOND);
  const further = (tokens?.outputTokens ?? 0) - 1;
  const tookMs = totalMs - firstByteMs;
  // One that was cut off says nothing of how fast the whole would have been.
  if (!isWhole || further < 1 || tookMs <= 0) return;
  book.record(METRICS.timePerOutputToken, genAi, tookMs / MS_PER_SECOND / further);
  book.record(METRICS.outputSpeed, [model, backend], (further * MS_PER_SECOND) / tookMs);
}

function measureTokens(book: MetricBook, { facts, genAi, model, user }: Told): void {
  const { tokens, backend, usage, operation } = facts;
  if (!tokens) {
    // So the conventions have it: that nothing was told is told.
    if (operation !== undefined) for (const metric of USED) countUsed(book, [metric, genAi], 0);
    return;
  }
  const { inputTokens, outputTokens, cacheReadInputTokens, reasoningOutputTokens } = tokens;
  const { cacheCreationInputTokens, audioInputTokens, audioOutputTokens } = tokens;
  const count = (type: string, tokens: number | undefined): void => {
    if (tokens !== undefined) book.record(METRICS.tokens, [type, model, backend, usage], tokens);
  };
  count("input", inputTokens);
  count("output", outputTokens);
  count("cache_read", cacheReadInputTokens);
  count("reasoning", reasoningOutputTokens);
  const part = (metric: MetricDefinition, tokens: number | undefined): void => {
    if (tokens !== undefined) book.record(metric, [...genAi, MODALITY_UNKNOWN], tokens);
  };
  part(METRICS.usedCacheReadTokens, cacheReadInputTokens);
  part(METRICS.usedCacheWriteTokens, cacheCreationInputTokens);
  part(METRICS.usedReasoningTokens, reasoningOutputTokens);
  if (user !== undefined) book.record(METRICS.userTokens, [user], tokens.totalTokens ?? 0);
  if (inputTokens !== undefined) {
    book.record(METRICS.tokenUsage, [...genAi, "input"], inputTokens);
    book.record(METRICS.inputTokens, genAi, inputTokens);
    countUsed(book, [METRICS.usedInputTokens, genAi], inputTokens, audioInputTokens);
  }
  if (outputTokens === undefined) return;
  book.record(METRICS.tokenUsage, [...genAi, "output"], outputTokens);
  book.record(METRICS.outputTokens, genAi, outputTokens);
  countUsed(book, [METRICS.usedOutputTokens, genAi], outputTokens, audioOutputTokens);
}

const USED = [METRICS.usedInputTokens, METRICS.usedOutputTokens];

/** Sounds apart from the rest; together they are all. */
function countUsed(
  book: MetricBook,
  [metric, genAi]: readonly [MetricDefinition, Labels],
  tokens: number,
  audioTokens = 0,
): void {
  const sounds = Math.min(audioTokens, tokens);
  if (sounds > 0) book.record(metric, [...genAi, MODALITY_AUDIO], sounds);
  book.record(metric, [...genAi, MODALITY_UNKNOWN], tokens - sounds);
}

function measureAttempt(book: MetricBook, facts: AttemptFacts, models: KnownNames): void {
  const { backend, status, outcome, tookMs } = facts;
  measureOperation(book, facts, models);
  book.record(METRICS.attempts, [backend, status, outcome]);
  book.record(METRICS.attemptDuration, [backend, outcome], tookMs / MS_PER_SECOND);
  if (facts.attempt > 1) book.record(METRICS.retries, [backend]);
  if (facts.isSpilled) measureSpill(book, facts);
}

function measureSpill(book: MetricBook, { priority, backend, tier, atMs }: AttemptFacts): void {
  book.record(METRICS.spills, [priority, backend, tier]);
  book.record(METRICS.spillWait, [priority, backend, tier], atMs / MS_PER_SECOND);
}

/** The client's side of a request to a model: each call to a backend by itself. */
function measureOperation(book: MetricBook, facts: AttemptFacts, models: KnownNames): void {
  const { operation, provider, requestModel, model, backend, status, outcome } = facts;
  if (operation === undefined) return;
  const isAnswered = status < 400;
  const asked = models.told(requestModel, isAnswered);
  const genAi = [operation, provider, asked, models.told(model, isAnswered), backend];
  const error = errorOf(status, outcome);
  book.record(METRICS.operationDuration, [...genAi, error], facts.totalMs / MS_PER_SECOND);
  const { firstChunkMs } = facts;
  if (firstChunkMs === undefined) return;
  book.record(METRICS.timeToFirstChunk, genAi, firstChunkMs / MS_PER_SECOND);
}
