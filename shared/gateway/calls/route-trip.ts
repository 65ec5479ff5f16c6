import type { BackendAnswer } from "../../backends/index.ts";
import type { PriorityClass } from "../../core/domain.ts";
import type { TraceContext } from "../../core/trace-context.ts";
import type { TripMemory } from "../../messaging/index.ts";
import {
  type AttemptRecord,
  type Candidate,
  type DecisionReceipt,
  type LineTurn,
  type RouteQuery,
  type Selection,
  type TooLongFor,
  type TriedMark,
  toDecision,
} from "../../routing/index.ts";

/** The facts of a request that its way to a backend depends on. */
export interface TripFacts {
  readonly requestId: string;
  readonly priority: PriorityClass;
  readonly receivedAt: number;
  readonly expiresAt: number;
  readonly affinity: string | undefined;
  /** Whose child each call to a backend is. */
  readonly trace: TraceContext | undefined;
  /** Whether it waits for backends that rest, for as long as it lives, where others learn of it at once. */
  readonly isPatient: boolean;
}

/** An answer that is not the client's to have, unless nobody gives a better one. */
export interface HeldAnswer {
  readonly answer: BackendAnswer;
  /** How long it asks to wait. */
  readonly waitMs: number | undefined;
  /** Whether it is a verdict on the request that stands when no larger model takes it. */
  readonly isVerdict: boolean;
}

/** A selection as it was made; it is written down only for who asks. */
interface DecisionMoment {
  readonly selection: Selection<Candidate>;
  readonly nowMs: number;
}

interface RememberedTrip {
  readonly memory?: TripMemory | undefined;
  readonly nowMs?: number;
}

const MAX_DECISIONS = 20;
const MAX_ATTEMPTS_KEPT = 100;
const BROKEN_STATUS = 502;

/** A request's way through the backends, its requeues included. Scope: one request. */
export class RouteTrip {
  readonly facts: TripFacts;
  /** The latest: who waits for hours for a backend may make any number. */
  readonly attempts: AttemptRecord[] = [];
  readonly requeueDelaysMs: number[] = [];
  /** Attempts that count against the request's budget. */
  countedAttempts = 0;
  /** Of those, the ones that were answered with a wait of no more than a moment. */
  briefAttempts = 0;
  round = 0;
  waitedMs = 0;
  /** How many calls were made for the request, here and by gateways behind this one. */
  cycle = 0;
  #turn: LineTurn | undefined;
  #hasFailed = false;
  #held: HeldAnswer | undefined;
  #tooLongFor: TooLongFor | undefined;
  readonly #tried = new Map<string, TriedMark>();
  readonly #decisions: DecisionMoment[] = [];
  #omitted = 0;
  #spill: DecisionReceipt["spill"];
  /** Of the attempts since the last requeue, each where it came last: more of a kind say no more. */
  readonly #statuses = new Set<number>();
  /** What the attempts that are not kept came to. */
  #earlier: Pick<TripMemory, "attempts" | "processMs">;

  /** `memory` is what the request's way came to before it was sent here as a message. */
  constructor(facts: TripFacts, { memory, nowMs = 0 }: RememberedTrip = {}) {
    this.facts = facts;
    this.#earlier = memory ?? { attempts: 0, processMs: 0 };
    if (!memory) return;
    this.countedAttempts = memory.countedAttempts;
    this.cycle = memory.cycle;
    this.waitedMs = memory.waitedMs + Math.max(0, nowMs - memory.leftAt);
    this.#hasFailed = memory.hasFailed;
    for (const status of memory.statuses) this.cameTo(status);
    for (const [key, how] of memory.tried) this.#tried.set(key, how);
  }

  /** Calls made for the request, wherever that was. */
  get attemptCount(): number {
    return this.#earlier.attempts + this.attempts.length;
  }

  /** Time spent in them, each up to where its answer could be handed on. */
  get processMs(): number {
    return this.attempts.reduce((sum, { tookMs }) => sum + tookMs, this.#earlier.processMs);
  }

  /** What another process must know to go on from here. */
  memory(nowMs: number): TripMemory {
    const { attemptCount, processMs, countedAttempts, cycle, waitedMs } = this;
    return {
      attempts: attemptCount,
      countedAttempts,
      cycle,
      hasFailed: this.#hasFailed,
      processMs,
      waitedMs,
      leftAt: nowMs,
      statuses: this.statuses,
      // A brief wait is over by then.
      tried: [...this.#tried].flatMap(([key, how]) => (how === "brief" ? [] : [[key, how]])),
    };
  }

  get held(): HeldAnswer | undefined {
    return this.#held;
  }

  get isRetry(): boolean {
    return this.#hasFailed;
  }

  query(): RouteQuery {
    const { priority, receivedAt, expiresAt, affinity } = this.facts;
    return {
      priority,
      receivedAt,
      expiresAt,
      affinity,
      tried: this.#tried,
      turnAt: this.#turn?.key,
      isRetry: this.#hasFailed,
      tooLongFor: this.#tooLongFor,
    };
  }

  decided(selection: Selection<Candidate>, nowMs: number): void {
    this.#decisions.push({ selection, nowMs });
    if (this.#decisions.length <= MAX_DECISIONS) return;
    this.#decisions.shift();
    this.#omitted += 1;
  }

  get statuses(): number[] {
    return [...this.#statuses];
  }

  /** An attempt came to this status, its own or the one that stands for what went wrong. */
  cameTo(status: number): void {
    this.#statuses.delete(status);
    this.#statuses.add(status);
  }

  attempted(record: AttemptRecord, firstTier: number | undefined): void {
    this.attempts.push(record);
    if (this.attempts.length > MAX_ATTEMPTS_KEPT) this.#letGoOfOldest();
    this.#spill =
      record.tier === firstTier ? undefined : { tier: record.tier, afterMs: record.atMs };
  }

  #letGoOfOldest(): void {
    const { attempts, processMs } = this.#earlier;
    const { tookMs = 0 } = this.attempts.shift() ?? {};
    this.#earlier = { attempts: attempts + 1, processMs: processMs + tookMs };
  }

  exclude({ key }: Candidate, how: "tried" | "silent"): void {
    this.#tried.set(key, how);
  }

  /** It asked for a moment's wait: in this pass it has had its turn, but it failed at nothing. */
  brief({ key }: Candidate): void {
    this.#tried.set(key, "brief");
    this.countedAttempts += 1;
    this.briefAttempts += 1;
  }

  /** It is its turn at a backend that rested. */
  useTurn(turn: LineTurn | undefined): void {
    this.#turn = turn;
  }

  /** Hands the turn to whoever uses it or gives it back. */
  takeTurn(): LineTurn | undefined {
    const turn = this.#turn;
    this.#turn = undefined;
    return turn;
  }

  failed(): void {
    this.#hasFailed = true;
  }

  /** An answer that had been delivered in part broke off: its backend has had its turn. */
  broke(candidate: Candidate, how: "tried" | "silent"): void {
    this.countedAttempts += 1;
    this.cameTo(BROKEN_STATUS);
    this.exclude(candidate, how);
    this.failed();
  }

  tooLong({ host }: Candidate): void {
    const { contextWindow = 0, models = [] } = this.#tooLongFor ?? {};
    this.#tooLongFor = {
      contextWindow: Math.max(contextWindow, host.contextWindow ?? 0),
      models: new Set([...models, ...(host.model === undefined ? [] : [host.model])]),
    };
  }

  /** Keeps one answer: a verdict before all, then of several 429 the one that asks for the least. */
  hold(answer: HeldAnswer): void {
    const known = this.#held;
    if (known && !answer.isVerdict && (known.isVerdict || isSooner(known, answer))) {
      answer.answer.discard();
      return;
    }
    known?.answer.discard();
    this.#held = answer;
  }

  /** Gives up the answer that was kept. */
  letGo(): void {
    this.#held?.answer.discard();
    this.#held = undefined;
  }

  /** Gives back the answer that was kept, for the client. */
  takeHeld(): BackendAnswer | undefined {
    const answer = this.#held?.answer;
    this.#held = undefined;
    return answer;
  }

  /** Another turn for all but those that were silent. */
  goRound(): void {
    this.round += 1;
    this.briefAttempts = 0;
    for (const [key, how] of this.#tried) if (how !== "silent") this.#tried.delete(key);
  }

  /** Comes again after a wait; what was asked for before is fulfilled. */
  requeued({ isAsked }: { isAsked: boolean }): void {
    this.letGo();
    this.requeueDelaysMs.length = 0;
    this.#forgetBrief();
    // Where nobody failed it, a rest that was waited out is no answer to what comes behind it.
    if (this.facts.isPatient && this.#tried.size === 0) this.#statuses.clear();
    if (!isAsked) return;
    this.#statuses.clear();
    this.goRound();
  }

  /** A wait is what was asked for: afterwards the backend may be called, and the call was not in vain. */
  #forgetBrief(): void {
    this.countedAttempts -= this.briefAttempts;
    this.briefAttempts = 0;
    for (const [key, how] of this.#tried) if (how === "brief") this.#tried.delete(key);
  }

  receipt(outcome: DecisionReceipt["outcome"]): DecisionReceipt {
    const { requestId, priority, receivedAt } = this.facts;
    return {
      requestId,
      priority,
      outcome,
      attempts: [...this.attempts],
      waitedMs: this.waitedMs,
      ...(this.#spill ? { spill: this.#spill } : {}),
      decisions: this.#decisions.map(({ selection, nowMs }) =>
        toDecision(selection, { nowMs, receivedAt }),
      ),
      omitted: this.#omitted,
    };
  }
}

const isSooner = (known: HeldAnswer, other: HeldAnswer): boolean =>
  known.answer.status === 429 &&
  other.answer.status === 429 &&
  (known.waitMs ?? Infinity) < (other.waitMs ?? Infinity);
