import type { Ticket } from "../../admission/index.ts";
import type { EventLogSettings, Settings } from "../../config/index.ts";
import type { Clock } from "../../core/clock.ts";
import { ERRORS, type GatewayError } from "../../core/errors.ts";
import { headerValue } from "../../core/headers.ts";
import type { GatewayRequest, GatewayResponse, RequestBody, RouteFacts } from "../../core/http.ts";
import type { Caller } from "../../identity/index.ts";
import {
  type Emit,
  genAiRequest,
  type LoggedExchange,
  loggedExchange,
  redactTarget,
  requestEnded,
  spanFacts,
} from "../../telemetry/index.ts";
import type { AnswerUsage } from "../../usage/index.ts";
import { modelOfBody } from "../calls/call-usage.ts";

/** How an answer ended, and what it said it used. */
export interface AnswerEnd {
  readonly usage: AnswerUsage;
  /** Whether its reader got all of it. */
  readonly isWhole: boolean;
  /** When its first bytes went to its reader, for an answer that is told as it is made; epoch milliseconds. */
  readonly firstByteAt?: number | undefined;
}

interface Admitted {
  readonly caller: Caller;
  readonly ticket: Ticket;
  readonly body: RequestBody | undefined;
  readonly askedModel?: string | undefined;
}

interface Answered {
  readonly response: GatewayResponse;
  readonly atMs: number;
  /** The gateway's own, where it is the answer. */
  readonly error: GatewayError | undefined;
}

/**
 * What becomes of one request, for the one event that tells it: sent when the request was answered and
 * its answer is over, whichever is later. Scope: one request.
 */
export class RequestRecord {
  readonly #request: GatewayRequest;
  readonly #clock: Clock;
  readonly #emit: Emit;
  readonly #eventLog: EventLogSettings | undefined;
  #admitted: Pick<Admitted, "caller" | "ticket"> | undefined;
  #askedModel: string | undefined;
  #answered: Answered | undefined;
  #isFollowed = false;
  #end: AnswerEnd | undefined;

  constructor(request: GatewayRequest, { clock, emit, settings }: RecordMeans) {
    this.#request = request;
    this.#clock = clock;
    this.#emit = emit;
    this.#eventLog = settings.eventLog;
  }

  admitted({ caller, ticket, askedModel, body }: Admitted): void {
    // The body is not kept: an answer may outlast it by far.
    this.#admitted = { caller, ticket };
    this.#askedModel = modelOfBody({ askedModel, body });
  }

  /** Somebody reads along and will tell of the answer's end. */
  followed(): void {
    this.#isFollowed = true;
  }

  answered(response: GatewayResponse, error?: GatewayError): void {
    this.#answered = { response, error, atMs: this.#clock.now() };
    this.#tell();
  }

  ended(end: AnswerEnd): void {
    this.#end = end;
    this.#tell();
  }

  #tell(): void {
    if (!this.#answered || (this.#isFollowed && !this.#end)) return;
    const answered = this.#answered;
    const endedAtMs = this.#clock.now();
    this.#emit(requestEnded(this.#request.id, () => this.#facts(answered, endedAtMs)));
  }

  #facts({ response, atMs, error }: Answered, endedAtMs: number): object {
    const { method, target, receivedAt, trace } = this.#request;
    const { caller, ticket } = this.#admitted ?? {};
    const route: RouteFacts = response.route ?? routeOf({ response, error });
    const { attemptCount, processMs, backend, called } = route;
    const asked = { method, target, origin: called?.origin, model: this.#askedModel };
    const { operation, provider, model: requestModel, outputType } = genAiRequest(asked);
    // The job that stands for it has an entry of its own, which says what was used.
    const isAccepted = response.jobId !== undefined;
    const used = isAccepted ? undefined : this.#end?.usage;
    const firstByteAt = this.#end?.firstByteAt;
    return {
      kind: isAccepted ? "accepted" : "request",
      method,
      path: redactTarget(target),
      operation,
      provider,
      requestModel,
      outputType,
      user: caller?.userId,
      group: caller?.groupId,
      priority: ticket?.priority,
      isAsync: ticket && ticket.promotion?.isAsked === true,
      status: response.status,
      code: error?.code,
      detail: error && ERRORS[error.code].expose ? error.message : undefined,
      attempts: attemptCount,
      backend,
      waitMs: Math.max(0, atMs - receivedAt - processMs),
      processMs,
      totalMs: endedAtMs - receivedAt,
      startedAt: receivedAt,
      firstByteMs: firstByteAt === undefined ? undefined : firstByteAt - receivedAt,
      isWhole: this.#end?.isWhole ?? true,
      model: used?.model,
      responseId: used?.responseId,
      finishReasons: used?.finishReasons,
      serviceTier: used?.serviceTier,
      tokens: used?.tokens,
      usage: used?.provenance,
      expiresAt: ticket?.expiresAt,
      exchange: this.#exchange(response),
      ...spanFacts(trace),
    };
  }

  #exchange({ headers }: GatewayResponse): LoggedExchange | undefined {
    const logging = this.#eventLog?.headers;
    return logging && loggedExchange(this.#request.headers, headers, logging);
  }
}

interface RecordMeans {
  readonly clock: Clock;
  readonly emit: Emit;
  readonly settings: Pick<Settings, "eventLog">;
}

/** Errors of the gateway's own carry what they took in the headers that clients see. */
function routeOf({ response, error }: Pick<Answered, "response" | "error">): RouteFacts {
  const count = (name: string): number =>
    error === undefined ? 0 : Number(headerValue(response.headers, name) ?? 0);
  return { attemptCount: count("x-attempts"), processMs: count("x-request-process-duration") };
}
