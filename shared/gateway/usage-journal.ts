import type { Clock } from "../core/clock.ts";
import type { BackendId, NewId, PriorityClass } from "../core/domain.ts";
import type { Caller } from "../identity/index.ts";
import type { UsageOutbox } from "../ledger/index.ts";
import { type Emit, usageNoted } from "../telemetry/index.ts";
import type { AnswerUsage, UsageEvent, UsageKind } from "../usage/index.ts";

/** Whose call it was, and what became of it. */
export interface UsageFacts {
  readonly kind: UsageKind;
  readonly requestId: string;
  readonly caller: Caller;
  readonly priority: PriorityClass;
  readonly backend: BackendId;
  readonly status: number;
  /** The model that was asked for, where the answer names none. */
  readonly askedModel?: string | undefined;
  /** Given where the same use may be told more than once: then it is the same each time. */
  readonly id?: string;
}

/** What of an answer's usage is noted. */
export type Used = Pick<AnswerUsage, "provenance"> & Partial<AnswerUsage>;

export interface UsageJournalOptions {
  readonly newId: NewId;
  readonly clock: Clock;
  readonly emit: Emit;
  /** Absent without storage: what is used is then told by telemetry alone. */
  readonly outbox: UsageOutbox | undefined;
}

/**
 * The one place where it is noted what calls to backends used: one event for every answer and every
 * failed attempt. Returns at once. Scope: per instance.
 */
export class UsageJournal {
  readonly #options: UsageJournalOptions;

  constructor(options: UsageJournalOptions) {
    this.#options = options;
  }

  note(facts: UsageFacts, usage?: Used): void {
    const { newId, clock, emit, outbox } = this.#options;
    const { kind, requestId, caller, priority, backend, status, askedModel } = facts;
    const event: UsageEvent = {
      id: facts.id ?? newId(),
      kind,
      endedAt: clock.now(),
      requestId,
      user: caller.userId,
      group: caller.groupId,
      model: usage?.model ?? askedModel,
      backend,
      priority,
      status,
      provenance: usage?.provenance ?? "unknown",
      tokens: usage?.tokens,
    };
    outbox?.take(event);
    emit(usageNoted(event));
  }

  /** Sends what was noted. */
  async close(): Promise<void> {
    await this.#options.outbox?.close();
  }
}
