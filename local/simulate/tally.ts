import type { PriorityClass } from "../../shared/core/domain.ts";
import type { DecisionReceipt } from "../../shared/routing/index.ts";
import { Durations } from "./durations.ts";
import type { SimulatedRequest } from "./plan-arrivals.ts";
import type { Ending, Outcome } from "./serve-arrival.ts";

/** What one class, or all together, came to. */
export interface ClassTally {
  arrived: number;
  readonly endings: Record<Ending, number>;
  promptTokens: number;
  outputTokens: number;
  spilled: number;
  spillCost: number;
  /** Of those that were answered. */
  readonly wait: Durations;
  readonly firstByte: Durations;
  readonly total: Durations;
  /** From the arrival to the call that was spilled. */
  readonly spillWait: Durations;
}

const emptyClass = (): ClassTally => ({
  arrived: 0,
  endings: { answered: 0, expired: 0, refused: 0, failed: 0 },
  promptTokens: 0,
  outputTokens: 0,
  spilled: 0,
  spillCost: 0,
  wait: new Durations(),
  firstByte: new Durations(),
  total: new Durations(),
  spillWait: new Durations(),
});

/** How a request ended, and its way there where it got as far as the router. */
export interface EndedRequest {
  readonly request: SimulatedRequest;
  readonly outcome: Outcome;
  readonly receipt: DecisionReceipt | undefined;
  /** What its answer cost where it ran. */
  readonly cost: number;
}

/** Everything that a simulation counts about requests. Scope: one simulation. */
export class Tally {
  readonly all = emptyClass();
  readonly codes = new Map<string, number>();
  retries = 0;
  requeued = 0;
  readonly #classes = new Map<PriorityClass, ClassTally>();

  /** Most urgent first. */
  get classes(): readonly (readonly [PriorityClass, ClassTally])[] {
    return [...this.#classes].sort(([a], [b]) => a - b);
  }

  arrived({ priorityClass }: SimulatedRequest): void {
    for (const tally of [this.#class(priorityClass), this.all]) tally.arrived += 1;
  }

  ended(ended: EndedRequest): void {
    const { request, outcome, receipt } = ended;
    for (const tally of [this.#class(request.priorityClass), this.all]) count(tally, ended);
    if (outcome.ending !== "answered") {
      this.codes.set(outcome.code, (this.codes.get(outcome.code) ?? 0) + 1);
    }
    this.retries += Math.max(0, (receipt?.attempts.length ?? 0) - 1);
    if ((receipt?.waitedMs ?? 0) > 0) this.requeued += 1;
  }

  #class(priority: PriorityClass): ClassTally {
    const known = this.#classes.get(priority);
    if (known) return known;
    const tally = emptyClass();
    this.#classes.set(priority, tally);
    return tally;
  }
}

function count(tally: ClassTally, { request, outcome, receipt, cost }: EndedRequest): void {
  tally.endings[outcome.ending] += 1;
  if (outcome.ending !== "answered") return;
  tally.promptTokens += request.contextTokens;
  tally.outputTokens += request.generatedTokens;
  tally.wait.add(outcome.waitMs);
  tally.firstByte.add(outcome.firstByteMs);
  tally.total.add(outcome.totalMs);
  if (!receipt?.spill) return;
  tally.spilled += 1;
  tally.spillCost += cost;
  tally.spillWait.add(receipt.spill.afterMs);
}
