import type { WaitSource } from "./answer.ts";
import { Histogram } from "./histogram.ts";
import { MODES, type Mode } from "./mix.ts";
import type { PlannedRequest, PriorityClass } from "./plan-request.ts";
import type { Outcome } from "./serve-request.ts";

/** What one mode, or all together, came to. */
export interface ModeTally {
  sent: number;
  answered: number;
  failed: number;
  outputTokens: number;
  readonly firstToken: Histogram;
  readonly total: Histogram;
}

/** The waits of one class in one mode, by where they were read. */
export interface WaitTally {
  readonly priorityClass: PriorityClass;
  readonly mode: Mode;
  readonly source: WaitSource;
  readonly waits: Histogram;
}

export interface FailureTally {
  readonly kind: string;
  readonly example: string;
  count: number;
}

// Kinds come from codes, of which there are few; should a gateway invent them, memory stays bounded.
const MAX_FAILURE_KINDS = 50;
const OTHER_KIND = "other";

const emptyMode = (): ModeTally => ({
  sent: 0,
  answered: 0,
  failed: 0,
  outputTokens: 0,
  firstToken: new Histogram(),
  total: new Histogram(),
});

/** Everything that a replay finds out, in memory that does not grow with it. Scope: one replay. */
export class Tally {
  /** How long after their times requests were sent: when it is much, the replay itself was too slow. */
  readonly lateness = new Histogram();
  readonly #modes = new Map<Mode, ModeTally>(MODES.map((mode) => [mode, emptyMode()]));
  readonly #waits = new Map<string, WaitTally>();
  readonly #failures = new Map<string, FailureTally>();
  #interrupted = 0;
  #promoted = 0;

  /** Counts a request as sent, `lateMs` after its time. */
  sent({ mode }: PlannedRequest, lateMs: number): void {
    this.mode(mode).sent += 1;
    this.lateness.add(lateMs);
  }

  ended(request: PlannedRequest, outcome: Outcome): void {
    switch (outcome.kind) {
      case "answered":
        this.#answered(request, outcome);
        break;
      case "failed":
        this.#failed(request, outcome);
        break;
      case "interrupted":
        this.#interrupted += 1;
        break;
    }
  }

  mode(mode: Mode): ModeTally {
    const found = this.#modes.get(mode);
    if (!found) throw new Error(`There is no mode ${mode}.`);
    return found;
  }

  /** How many were sent, answered and failed so far. */
  get counts(): Pick<ModeTally, "sent" | "answered" | "failed"> {
    const counts = { sent: 0, answered: 0, failed: 0 };
    for (const { sent, answered, failed } of this.#modes.values()) {
      counts.sent += sent;
      counts.answered += answered;
      counts.failed += failed;
    }
    return counts;
  }

  /** All modes together. */
  total(): ModeTally {
    const all = { ...emptyMode(), ...this.counts };
    for (const mode of this.#modes.values()) {
      all.outputTokens += mode.outputTokens;
      all.firstToken.merge(mode.firstToken);
      all.total.merge(mode.total);
    }
    return all;
  }

  /** By class, then by mode, in their usual order. */
  get waits(): readonly WaitTally[] {
    const place = ({ priorityClass, mode }: WaitTally): number =>
      priorityClass * MODES.length + MODES.indexOf(mode);
    return [...this.#waits.values()].sort((a, b) => place(a) - place(b));
  }

  /** Most frequent first. */
  get failures(): readonly FailureTally[] {
    return [...this.#failures.values()].sort((a, b) => b.count - a.count);
  }

  /** Requests that had no answer yet when the replay was stopped. */
  get interrupted(): number {
    return this.#interrupted;
  }

  /** Requests that the gateway made jobs of without being asked to. */
  get promoted(): number {
    return this.#promoted;
  }

  #answered(
    { mode, priorityClass }: PlannedRequest,
    { answer, sentAt, endedAt }: Extract<Outcome, { kind: "answered" }>,
  ): void {
    const tally = this.mode(mode);
    tally.answered += 1;
    tally.outputTokens += answer.outputTokens;
    tally.firstToken.add(answer.firstTokenAt - sentAt);
    tally.total.add(endedAt - sentAt);
    if (answer.isPromoted) this.#promoted += 1;
    if (!answer.wait) return;
    const { source, ms } = answer.wait;
    const key = `${priorityClass} ${mode} ${source}`;
    const waits = this.#waits.get(key)?.waits ?? new Histogram();
    waits.add(ms);
    this.#waits.set(key, { priorityClass, mode, source, waits });
  }

  #failed(
    { mode, number }: PlannedRequest,
    { failure }: Extract<Outcome, { kind: "failed" }>,
  ): void {
    this.mode(mode).failed += 1;
    const isRoom = this.#failures.has(failure.kind) || this.#failures.size < MAX_FAILURE_KINDS;
    const kind = isRoom ? failure.kind : OTHER_KIND;
    const known = this.#failures.get(kind);
    if (known) known.count += 1;
    else {
      const example = `request ${number} (${mode}): ${failure.message}`;
      this.#failures.set(kind, { kind, example, count: 1 });
    }
  }
}
