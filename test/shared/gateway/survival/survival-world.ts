import { seededRandom } from "../../../../local/replay/seeded-random.ts";
import type { BackendAnswer, BackendCall } from "../../../../shared/backends/index.ts";
import { BackendFailure } from "../../../../shared/backends/index.ts";
import { shippedLanes } from "../../../../shared/config/index.ts";
import { collectBytes } from "../../../../shared/core/bytes.ts";
import type { Clock } from "../../../../shared/core/clock.ts";
import type { ResponseBody } from "../../../../shared/core/http.ts";
import { cancelJob, DeadLetterWatch, moveJob } from "../../../../shared/gateway/index.ts";
import { bodyTextOf } from "../../../support/fake-backends.ts";
import { FakeBus } from "../../../support/fake-bus.ts";
import { settle } from "../../../support/fake-clock.ts";
import { MemoryBlobs } from "../../../support/memory-blobs.ts";
import { MemoryTable } from "../../../support/memory-table.ts";
import { bodyOf } from "../../../support/streams.ts";
import { Broker } from "./broker.ts";
import { awayError, CALM, type Odds, type Outage, type Part } from "./chance.ts";
import { Engine } from "./engine.ts";
import { type Asked, Instance } from "./instance.ts";

const START = Date.UTC(2026, 0, 1);
const STEP_MS = 1000;
const MAX_ANSWER_MS = 20_000;
const LIBRARY_TRIES_MS = 8000;
const TURNS = 3;
const PATIENCE_MS = 30_000;
const LETTERS_EVERY_MS = 10_000;

/** What a client knows of a request. */
export interface Told {
  readonly asked: Asked;
  /** Names of the jobs for which it was answered 202. */
  readonly jobs: Set<string>;
  /** Other answers that it got. */
  readonly answers: string[];
}

async function textOf(body: ResponseBody | undefined): Promise<string> {
  if (body === undefined || body instanceof Uint8Array) return Buffer.from(body ?? []).toString();
  return Buffer.from(await collectBytes(body, 1_000_000)).toString();
}

export interface WorldOptions {
  readonly settings?: Record<string, string>;
  readonly seed: number;
  readonly odds: Partial<Odds>;
  readonly outages?: readonly Outage[];
  /** From then on nothing goes wrong any more, in milliseconds. */
  readonly calmAt: number;
}

/**
 * A gateway with everything around it in virtual time: a broker, an engine and storage that lose no
 * word they have given, and instances that may die at any call. Scope: one test.
 */
export class SurvivalWorld {
  readonly table = new MemoryTable();
  readonly results = new MemoryBlobs();
  readonly work = new MemoryBlobs();
  readonly bus = new FakeBus();
  readonly random: () => number;
  readonly engine: Engine;
  readonly broker: Broker;
  readonly settings: Record<string, string>;
  readonly told: Told[] = [];
  readonly cancelled = new Set<string>();
  readonly #options: WorldOptions;
  readonly #letters = new DeadLetterWatch();
  readonly #outcomes = new Map<string, unknown>();
  readonly violations: string[] = [];
  backendCalls = 0;
  deaths = 0;
  instance: Instance;
  nowMs = START;
  #ids = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.random = seededRandom(options.seed);
    this.engine = new Engine(this.random);
    this.broker = new Broker(shippedLanes().lanes, this.bus, this.random);
    this.bus.onSend = (queue, message) => {
      if (queue === "replies") void this.bus.sessions.at(-1)?.deliver(message.body);
      else this.broker.send(queue, message, this.nowMs);
    };
    this.settings = options.settings ?? {};
    this.instance = new Instance(this);
    const { doubled = 0 } = options.odds;
    this.engine.doubled = doubled;
    this.broker.doubled = doubled;
  }

  readonly newId = (): string => `id-${++this.#ids}`;

  get odds(): Odds {
    return this.isCalm ? CALM : { ...CALM, ...this.#options.odds };
  }

  get isCalm(): boolean {
    return this.nowMs - START >= this.#options.calmAt;
  }

  /** What becomes of a call. */
  fate(part: Part) {
    const { refused, lost, killed } = this.odds;
    const sinceStart = this.nowMs - START;
    const isAway = (this.#options.outages ?? []).some(
      (outage) => outage.part === part && sinceStart >= outage.from && sinceStart < outage.until,
    );
    const [chance, death] = [this.random(), this.random()];
    const isRefused = isAway || chance < refused;
    const dies = death >= killed ? undefined : this.random() < 0.5 ? "before" : "behind";
    return {
      turns: Math.floor(this.random() * TURNS),
      // The libraries try again for a while by themselves.
      lateMs: isAway ? this.random() * LIBRARY_TRIES_MS : 0,
      isRefused,
      isLost: !isRefused && chance < refused + lost,
      dies: dies as "before" | "behind" | undefined,
      error: awayError(part),
    };
  }

  /** A model that says what it was asked, sooner or later, or something else. */
  async answer(call: BackendCall, clock: Clock): Promise<BackendAnswer> {
    this.backendCalls += 1;
    const text = bodyTextOf(call);
    await new Promise<void>((resolve, reject) => {
      const cancel = clock.schedule(this.random() * MAX_ANSWER_MS, resolve);
      call.signal.addEventListener("abort", () => {
        cancel();
        reject(call.signal.reason);
      });
    });
    const chance = this.isCalm ? 1 : this.random();
    if (chance < 0.05) throw new BackendFailure("reset", "closed", { mayHaveBegun: true });
    const status = chance < 0.12 ? 429 : chance < 0.2 ? 500 : 200;
    const body = status === 200 ? `echo ${text}` : "no";
    return { status, headers: [["retry-after", "1"]], body: bodyOf(body), discard: () => {} };
  }

  /** A client that asks until it is answered: each time with the same key, where it has one. */
  async ask(asked: Asked, { isKeyed }: { readonly isKeyed: boolean }): Promise<void> {
    const told: Told = { asked, jobs: new Set(), answers: [] };
    this.told.push(told);
    for (let tries = 0; ; tries++) {
      const id = tries === 0 ? asked.id : this.newId();
      const before = this.nowMs;
      const { instance } = this;
      const answering = instance.ask({ ...asked, id }).then(
        (answer) => answer,
        () => undefined,
      );
      let answer: Awaited<typeof answering>;
      void answering.then((each) => {
        answer = each;
      });
      await this.#until(() => answer !== undefined || this.nowMs - before > PATIENCE_MS);
      const location = answer?.headers.find(([name]) => name.toLowerCase() === "location")?.[1];
      if (answer?.status === 202 && location) told.jobs.add(location.split("/").at(-1) ?? "");
      if (answer?.status === 202 || !isKeyed) {
        if (answer?.status === 200)
          void textOf(answer.body).then(
            (text) => told.answers.push(text),
            () => {},
          );
        return;
      }
    }
  }

  readonly #waiting: { readonly isOver: () => boolean; readonly go: () => void }[] = [];

  #until(isOver: () => boolean): Promise<void> {
    return new Promise((go) => this.#waiting.push({ isOver, go }));
  }

  async cancel(id: string): Promise<void> {
    const { services, engine } = this.instance;
    this.cancelled.add(id);
    await cancelJob(services, { id, headers: [], target: `/jobs/${id}`, engine });
  }

  async move(id: string, priority: number): Promise<void> {
    const { services, engine } = this.instance;
    const body = bodyOf(JSON.stringify({ priority }));
    const headers = [["S7PPriorityKey", "12345"]] as const;
    await moveJob(services, { id, headers, target: `/jobs/${id}`, engine, body });
  }

  /** A moment passes for everybody. */
  async step(): Promise<void> {
    this.nowMs += STEP_MS;
    if (this.isCalm) [this.engine.doubled, this.broker.doubled] = [0, 0];
    if (this.instance.isDead) {
      this.deaths += 1;
      this.instance = new Instance(this);
    }
    const { instance } = this;
    await instance.passTo(this.nowMs);
    this.broker.deliver(instance, this.nowMs);
    this.engine.turn(instance, this.nowMs);
    if ((this.nowMs - START) % LETTERS_EVERY_MS === 0) {
      void this.#letters.sweep(instance.services, instance.engine).catch(() => {});
    }
    for (let turns = 0; turns < TURNS; turns++) await settle();
    for (const each of this.#waiting.splice(0)) {
      if (each.isOver()) each.go();
      else this.#waiting.push(each);
    }
    this.#watchOutcomes();
  }

  async pass(ms: number): Promise<void> {
    for (const endAt = this.nowMs + ms; this.nowMs < endAt; ) await this.step();
  }

  /** Goes on until nobody has anything to do any more; returns whether that came in time. */
  async settle(withinMs: number): Promise<boolean> {
    const endAt = this.nowMs + withinMs;
    while (this.nowMs < endAt) {
      await this.step();
      if (this.isCalm && this.engine.isIdle && this.broker.isEmpty && this.#waiting.length === 0)
        return true;
    }
    return false;
  }

  /** Lets calls be done that nothing else waits for. */
  async settleCalls(work: Promise<void>): Promise<void> {
    let isDone = false;
    void work.finally(() => {
      isDone = true;
    });
    while (!isDone) await settle();
  }

  #watchOutcomes(): void {
    for (const [key, row] of this.table.rows) {
      if (!key.endsWith("/outcome")) continue;
      const before = this.#outcomes.get(key);
      if (before !== undefined && before !== row["value0"]) this.violations.push(`${key} changed`);
      this.#outcomes.set(key, row["value0"]);
    }
  }
}
