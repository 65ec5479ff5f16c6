import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TableJobStore } from "../../../shared/gateway/jobs/table-job-store.ts";
import {
  advance,
  beginRun,
  type JobEvent,
  type JobOutcome,
  type JobRun,
  type JobSignal,
  type JobStep,
  type JobTurn,
  type PollReport,
  type ProviderWork,
  wordOf,
} from "../../../shared/jobs/index.ts";
import { MemoryTable } from "../../support/memory-table.ts";

const START = 1_000_000;
const LIVES_MS = 200_000;

/** One thing that the world does next; what cannot happen now does nothing. */
type Move =
  | { readonly kind: "deliver"; readonly pick: number }
  | { readonly kind: "finish"; readonly pick: number; readonly ok: boolean }
  | { readonly kind: "crash"; readonly pick: number }
  | { readonly kind: "handOver"; readonly pick: number }
  | { readonly kind: "tell" }
  | { readonly kind: "loseSignals" }
  | { readonly kind: "cancel" }
  | { readonly kind: "move" }
  | { readonly kind: "pass"; readonly ms: number }
  | { readonly kind: "step" };

const pick = fc.nat(9);
const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("deliver" as const), pick }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("finish" as const), pick, ok: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("crash" as const), pick }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("handOver" as const), pick }) },
  { weight: 3, arbitrary: fc.constant({ kind: "tell" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "loseSignals" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "cancel" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "move" as const }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.nat(40_000) }),
  },
  { weight: 8, arbitrary: fc.constant({ kind: "step" as const }) },
);

/** A job in a world that loses signals, kills workers and delivers again. Scope: one test. */
class World {
  readonly store = new TableJobStore(new MemoryTable().asTable);
  readonly outcomes = new Set<string>();
  readonly begun: string[] = [];
  now = START;
  run: JobRun;
  step: JobStep;
  #messages: JobTurn[] = [];
  #running: JobTurn[] = [];
  #signals: JobSignal[] = [];
  #sent = new Set<string>();
  #looks = 0;

  constructor(isInFlight: boolean) {
    const expiresAt = START + LIVES_MS;
    const input = { jobId: "j", expiresAt, maxAttempts: 3, reconcileMs: 30_000 };
    ({ run: this.run, step: this.step } = beginRun(
      { ...input, ...(isInFlight ? { isInFlight } : {}) },
      START,
    ));
    // The message of promoted work was in its lane before there was a job.
    if (isInFlight) this.#messages.push({ attempt: 1, epoch: 0 });
  }

  /** Whoever makes a job stores it and then sends its message, or is killed in between. */
  async open(isSent: boolean): Promise<void> {
    const expiresAt = START + LIVES_MS;
    const job = { id: "j", owner: "o", priority: 2, createdAt: START, expiresAt, request: "" };
    await this.store.insert(job);
    if (isSent && this.run.isInFlight !== true) await this.#enqueue(1);
  }

  async play(move: Move): Promise<void> {
    switch (move.kind) {
      case "deliver":
        return this.#deliver(take(this.#messages, move.pick));
      case "finish":
        return this.#finish(take(this.#running, move.pick), move.ok);
      case "crash": {
        // The lane delivers again what a dead worker held.
        const lost = take(this.#running, move.pick);
        if (lost) this.#messages.push(lost);
        return;
      }
      case "handOver":
        return this.#handOver(take(this.#running, move.pick));
      case "tell":
        return this.#hear(this.#signals.shift());
      case "loseSignals":
        this.#signals = [];
        return;
      case "cancel":
        return this.#commit("cancelled", 1);
      case "move":
        return this.#move();
      case "pass":
        this.now += move.ms;
        return;
      case "step":
        return this.#step();
    }
  }

  async #deliver(turn: JobTurn | undefined): Promise<void> {
    if (!turn || this.now >= this.run.expiresAt) return;
    const standing = await this.store.signalOf("j", turn.attempt);
    if (standing) return void this.#signals.push(standing);
    if (!(await this.store.recordStart("j", turn, this.now))) return;
    this.begun.push(`${turn.attempt}-${turn.epoch}`);
    this.#running.push(turn);
  }

  async #finish(turn: JobTurn | undefined, ok: boolean): Promise<void> {
    if (!turn) return;
    const { attempt } = turn;
    if (ok || attempt >= 3) {
      await this.#commit(ok ? "succeeded" : "failed", attempt);
      return;
    }
    const end = { endedAt: this.now, reason: "status-503", retryAfterMs: 5000 };
    await this.store.recordRetry("j", attempt, end);
    this.#signals.push({ attempt, isFinal: false, retryAfterMs: 5000 });
  }

  async #handOver(turn: JobTurn | undefined): Promise<void> {
    if (!turn) return;
    const { attempt } = turn;
    const work = { attempt, kind: "response", hostKey: "h", poll: { target: "/r" }, takenAt: 0 };
    await this.store.recordHandOver("j", work as ProviderWork);
    this.#signals.push({ attempt, isFinal: false, isHandedOver: true });
  }

  /** The provider is done at the third look, and refuses what it never took. */
  async #look(attempt: number): Promise<PollReport> {
    const snapshot = await this.store.read("j");
    if (!snapshot || snapshot.outcome) return { isFinal: true };
    if (snapshot.provider?.attempt !== attempt) throw new Error("Nothing was handed over.");
    if (++this.#looks % 3 !== 0) return { isFinal: false };
    await this.#commit("succeeded", attempt);
    return { isFinal: true };
  }

  async #commit(state: JobOutcome["state"], attempt: number): Promise<void> {
    const outcome = { state, endedAt: this.now, attempt };
    const standing = await this.store.commitOutcome("j", outcome);
    this.outcomes.add(JSON.stringify(standing));
    this.#signals.push({ attempt, isFinal: true });
  }

  async #move(): Promise<void> {
    const snapshot = await this.store.read("j");
    if (!snapshot || snapshot.outcome) return;
    const { turn } = snapshot;
    if (!(await this.store.move("j", turn, 1))) return;
    this.#signals.push({ attempt: turn.attempt, isFinal: false, epoch: turn.epoch + 1 });
  }

  async #hear(signal: JobSignal | undefined): Promise<void> {
    if (signal === undefined) return;
    if (this.step.kind === "wait") this.#advance({ kind: "signalled", signal });
    else this.#signals.unshift(signal);
  }

  async #step(): Promise<void> {
    const { step } = this;
    switch (step.kind) {
      case "enqueue":
        return this.#advance({ kind: "enqueued", epoch: await this.#enqueue(step.attempt) });
      case "wait":
      case "sleep":
        this.now = Math.max(this.now, step.untilMs);
        return this.#advance({ kind: step.kind === "wait" ? "waitedInVain" : "slept" });
      case "check": {
        const snapshot = await this.store.read("j");
        const { attempt, epoch } = this.run;
        const isWaiting = snapshot?.history.length === 0 && !snapshot.outcome;
        if (step.look.isFirst && isWaiting) await this.#enqueue(attempt);
        const signal = snapshot && wordOf(snapshot, { attempt, epoch });
        return this.#advance({ kind: "checked", signal });
      }
      case "expire":
        await this.#commit("expired", this.run.attempt);
        return this.#advance({ kind: "expired" });
      case "poll":
        return this.#advance({ kind: "polled", report: await this.#look(step.attempt) });
      case "release":
        return this.#advance({ kind: "released" });
      case "done":
    }
  }

  async #enqueue(attempt: number): Promise<number> {
    const snapshot = await this.store.read("j");
    if (!snapshot || snapshot.outcome) return this.run.epoch;
    const epoch = snapshot.turn.attempt === attempt ? snapshot.turn.epoch : this.run.epoch;
    const id = `${attempt}-${epoch}`;
    // The lane drops what has the id of a message before.
    if (!this.#sent.has(id)) this.#messages.push({ attempt, epoch });
    this.#sent.add(id);
    return epoch;
  }

  #advance(event: JobEvent): void {
    ({ run: this.run, step: this.step } = advance(this.run, event, this.now));
  }
}

function take<Item>(items: Item[], pick: number): Item | undefined {
  return items.splice(pick % Math.max(1, items.length), 1)[0];
}

describe("a job whose workers die, whose signals are lost, and which is moved and cancelled", () => {
  it("comes to exactly one outcome, whatever happens in whatever order", async () => {
    const moves = fc.array(move, { maxLength: 80 });
    await fc.assert(
      fc.asyncProperty(moves, fc.boolean(), fc.boolean(), async (played, isInFlight, isSent) => {
        const world = new World(isInFlight);
        await world.open(isSent);
        for (const next of played) await world.play(next);
        // Left to itself, the orchestrator ends, and so does the job.
        for (let steps = 0; world.step.kind !== "done"; steps++) {
          expect(steps).toBeLessThan(100);
          await world.play({ kind: "step" });
        }
        expect(world.outcomes.size).toBe(1);
        const snapshot = await world.store.read("j");
        expect(JSON.stringify(snapshot?.outcome)).toBe([...world.outcomes][0]);
      }),
      { numRuns: 500 },
    );
  });

  it("is not lost: with workers that live and answer, it succeeds however often it was moved", async () => {
    const disturbance = move.filter(({ kind }) => kind !== "cancel" && kind !== "pass");
    await fc.assert(
      fc.asyncProperty(
        fc.array(disturbance, { maxLength: 8 }),
        fc.boolean(),
        async (played, isSent) => {
          const world = new World(false);
          await world.open(isSent);
          for (const next of played) await world.play(next);
          for (let rounds = 0; rounds < 200 && world.outcomes.size === 0; rounds++) {
            for (let messages = 0; messages < 5; messages++) {
              await world.play({ kind: "deliver", pick: 0 });
              await world.play({ kind: "finish", pick: 0, ok: true });
            }
            if (world.outcomes.size === 0) await world.play({ kind: "step" });
          }
          const outcome = (await world.store.read("j"))?.outcome;
          expect(outcome?.state).toBe("succeeded");
        },
      ),
      { numRuns: 500 },
    );
  });

  it("never runs in two lanes: a turn that was moved away begins nowhere", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(move, { maxLength: 80 }), async (played) => {
        const world = new World(true);
        await world.open(true);
        for (const next of played) await world.play(next);
        const epochs = new Map<string, Set<string>>();
        for (const turn of world.begun) {
          const [attempt = "", epoch = ""] = turn.split("-");
          epochs.set(attempt, (epochs.get(attempt) ?? new Set()).add(epoch));
        }
        for (const used of epochs.values()) expect(used.size).toBe(1);
      }),
      { numRuns: 300 },
    );
  });
});
