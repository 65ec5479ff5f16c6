import type { Clock } from "../../core/clock.ts";
import type { BackendId, NewId, PriorityClass } from "../../core/domain.ts";
import { DEFAULT_TIER, tierNamed } from "../../core/service-tier.ts";
import type { Caller } from "../../identity/index.ts";
import type { UsageOutbox } from "../../ledger/index.ts";
import { type Emit, KnownNames, usageNoted, usageUnestimated } from "../../telemetry/index.ts";
import { encodingOf, type TokenCounter } from "../../tokens/index.ts";
import type { AnswerUsage, UsageEvent, UsageKind } from "../../usage/index.ts";

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
  /** What its tokens are counted by, where nobody told them: the body, or a guess where that is long. */
  readonly prompt?: { readonly body?: Uint8Array; readonly tokens: number } | undefined;
  /** Given where the same use may be told more than once: then it is the same each time. */
  readonly id?: string;
  /** The name of work in the background: it counts for whoever is told of it first. */
  readonly work?: string;
  /** When it counts to, where that is not now: with an id that comes again it must be the same, too. */
  readonly endedAt?: number;
}

/** What of an answer's usage is noted. */
export type Used = Pick<AnswerUsage, "provenance"> & Partial<AnswerUsage>;

export interface UsageJournalOptions {
  readonly newId: NewId;
  readonly clock: Clock;
  readonly emit: Emit;
  /** Absent without storage: what is used is then told by telemetry alone. */
  readonly outbox: UsageOutbox | undefined;
  /** Absent where nothing is to be estimated. */
  readonly counter: Pick<TokenCounter, "count" | "close"> | undefined;
}

// An app that ends has a few seconds: what is counted by then is noted, the rest without its tokens.
const CLOSE_MS = 2000;
// A provider has a handful of them, and each makes rows of its own: who names ever new ones makes no more.
const MAX_TIERS = 32;

/**
 * The one place where it is noted what calls to backends used: one event for every answer and every
 * failed attempt. Returns at once; what nobody has counted is counted first, in the background. Scope:
 * per instance.
 */
export class UsageJournal {
  readonly #options: UsageJournalOptions;
  readonly #counting = new Set<Promise<void>>();
  readonly #tiers = new KnownNames(MAX_TIERS);

  constructor(options: UsageJournalOptions) {
    this.#options = options;
  }

  note(facts: UsageFacts, usage?: Used): void {
    const { counter, clock, emit } = this.#options;
    const { endedAt = clock.now() } = facts;
    if (!counter || !facts.prompt || !usage?.uncounted) {
      this.#tell(facts, usage, endedAt);
      return;
    }
    const counting = estimated(counter, facts, usage)
      .then((counted) => {
        if (!counted) emit(usageUnestimated(facts.requestId));
        this.#tell(facts, counted ?? usage, endedAt);
      })
      .finally(() => this.#counting.delete(counting));
    this.#counting.add(counting);
  }

  /** Sends what was noted. */
  async close(): Promise<void> {
    const { counter, clock, outbox } = this.#options;
    const isOver = Promise.withResolvers<void>();
    const cancel = clock.schedule(CLOSE_MS, isOver.resolve);
    await Promise.race([Promise.all(this.#counting), isOver.promise]);
    cancel();
    // What is still to be counted is told by this without its tokens.
    await counter?.close();
    await Promise.all(this.#counting);
    await outbox?.close();
  }

  #tell(facts: UsageFacts, usage: Used | undefined, endedAt: number): void {
    const { newId, emit, outbox, clock } = this.#options;
    const { kind, requestId, caller, priority, backend, status, askedModel } = facts;
    const event: UsageEvent = {
      ...(isPlain(facts) ? undefined : marksOf(facts, clock.now())),
      id: facts.id ?? newId(),
      kind,
      endedAt,
      requestId,
      user: caller.userId,
      group: caller.groupId,
      model: usage?.model ?? askedModel,
      backend,
      priority,
      status,
      provenance: usage?.provenance ?? "unknown",
      serviceTier: this.#tierOf(usage),
      tokens: usage?.tokens,
    };
    outbox?.take(event);
    emit(usageNoted(event));
  }

  /** The name of an unusual tier. */
  #tierOf(usage: Used | undefined): string | undefined {
    const told = usage?.serviceTier;
    const tier = told === undefined ? DEFAULT_TIER : tierNamed(told);
    return tier === DEFAULT_TIER ? undefined : this.#tiers.told(tier, true);
  }
}

// Nearly all are; what is not there need not be spread.
const isPlain = ({ id, work, endedAt }: UsageFacts): boolean =>
  id === undefined && work === undefined && endedAt === undefined;

/** What tells uses apart that may be told more than once, or later than they count. */
const marksOf = (
  { id, work, endedAt }: UsageFacts,
  toldAt: number,
): Pick<UsageEvent, "mayComeAgain" | "work" | "toldAt"> => ({
  ...(id === undefined ? {} : { mayComeAgain: true }),
  ...(work === undefined ? {} : { work }),
  ...(endedAt === undefined ? {} : { toldAt }),
});

/** The usage with what was counted; what its backend has told of it stands. Undefined where nothing was. */
async function estimated(
  counter: Pick<TokenCounter, "count">,
  { askedModel, prompt }: UsageFacts,
  usage: Used,
): Promise<Used | undefined> {
  const { uncounted, tokens, model = askedModel, provenance } = usage;
  if (!uncounted) return usage;
  const task = { encoding: encodingOf(model), body: prompt?.body, text: uncounted.text };
  const count = await counter.count(task);
  if (!count) return undefined;
  const inputTokens = tokens?.inputTokens ?? count.inputTokens ?? prompt?.tokens ?? 0;
  const counted = Math.round(count.outputTokens * uncounted.scale);
  // What it told on its way includes what it thought and did not show.
  const outputTokens = Math.max(tokens?.outputTokens ?? 0, counted);
  return {
    ...usage,
    provenance: provenance === "unknown" ? "estimated" : provenance,
    tokens: { ...tokens, inputTokens, outputTokens, totalTokens: inputTokens + outputTokens },
  };
}
