import { VirtualClock } from "../../local/simulate/virtual-clock.ts";
import { shippedLanes } from "../../shared/config/index.ts";
import { enterLane, type FairShareServices } from "../../shared/gateway/lanes/enter-lane.ts";
import { createFairShareLedger } from "../../shared/gateway/lanes/fair-share-ledger.ts";
import { laneFor } from "../../shared/gateway/lanes/lane-for.ts";
import type { Services } from "../../shared/gateway/services.ts";
import { openSlots } from "../../shared/gateway/serving/open-slots.ts";
import { throughGate } from "../../shared/gateway/serving/through-gate.ts";
import { FairShareBook, LaneRelief, LeftRequests } from "../../shared/scheduling/index.ts";
import { MemoryTable } from "../support/memory-table.ts";

/** A request that a virtual host served. */
export interface ServedVirtually {
  readonly userId: string;
  readonly priority: number;
  readonly waitedMs: number;
  readonly serviceMs: number;
  readonly isOver: boolean;
  /** Whether it came after the warm-up; its wait then owes nothing to the start. */
  readonly isSettled: boolean;
}

export interface VirtualRequest {
  readonly userId: string;
  readonly groupId?: string;
  readonly priority: number;
  readonly serviceMs: number;
  /** Which host has its connection, as a part of all of them. */
  readonly host: number;
}

interface Message extends VirtualRequest {
  readonly receivedAt: number;
  done(waitedMs: number): void;
}

interface Host {
  readonly services: Pick<Services, "slots" | "gates" | "preemptible" | "fairShare" | "lanes">;
}

export interface VirtualHostsOptions {
  readonly hosts: number;
  readonly workersEach: number;
}

// As host.json has it.
const CALLS_PER_QUEUE = 32;
// What a broker and a reply take each.
const HOP_MS = 3;
const STARTED_AT = Date.UTC(2026, 0, 1);

/** One queue of a lane: first in, first out, to the hosts in turn, each as many as it calls at once. */
class VirtualQueue {
  readonly #waiting: Message[] = [];
  readonly #consumers: { credit: number; readonly run: (message: Message) => Promise<void> }[] = [];
  #turn = 0;

  serve(run: (message: Message) => Promise<void>): void {
    this.#consumers.push({ credit: CALLS_PER_QUEUE, run });
  }

  send(message: Message): void {
    this.#waiting.push(message);
    this.#pump();
  }

  #pump(): void {
    for (let message = this.#waiting[0]; message; message = this.#waiting[0]) {
      const consumer = this.#next();
      if (!consumer) return;
      this.#waiting.shift();
      consumer.credit -= 1;
      void consumer.run(message).finally(() => {
        consumer.credit += 1;
        this.#pump();
      });
    }
  }

  #next() {
    for (let tried = 0; tried < this.#consumers.length; tried++) {
      const consumer = this.#consumers[this.#turn++ % this.#consumers.length];
      if (consumer && consumer.credit > 0) return consumer;
    }
    return undefined;
  }
}

/**
 * Hosts with one broker and one table, in virtual time: the gateway's own judgement, ledger, gates and
 * slots, between queues and backends that only take time. Scope: one measurement.
 */
export class VirtualHosts {
  readonly clock = new VirtualClock(STARTED_AT);
  readonly served: ServedVirtually[] = [];
  readonly #queues = new Map<string, VirtualQueue>();
  readonly #hosts: Host[];
  readonly #lanes = shippedLanes();
  #isWarm = false;
  #isStopped = false;

  constructor({ hosts, workersEach }: VirtualHostsOptions) {
    for (const { queue, overQueue } of this.#lanes.lanes) {
      this.#queues.set(queue, new VirtualQueue());
      this.#queues.set(overQueue, new VirtualQueue());
    }
    const table = new MemoryTable();
    this.#hosts = Array.from({ length: hosts }, (_, index) =>
      this.#open({ table, workersEach, instanceId: `host${index}` }),
    );
  }

  /** Resolves when the request is answered. */
  async send(request: VirtualRequest): Promise<void> {
    const host = this.#hosts[Math.floor(request.host * this.#hosts.length)];
    if (!host) return;
    const isSettled = this.#isWarm;
    const entry = enterLane(host.services, request.priority, request);
    const receivedAt = this.clock.now();
    await this.#pause(HOP_MS);
    const waitedMs = await new Promise<number>((done) =>
      this.#queues.get(entry.queue)?.send({ ...request, receivedAt, done }),
    );
    await this.#pause(HOP_MS);
    entry.hold.release();
    const { userId, priority, serviceMs } = request;
    const { isOver } = entry.judgement;
    this.served.push({ userId, priority, serviceMs, waitedMs, isOver, isSettled });
  }

  /** Always has one request of this kind there, until the end. */
  async loop(next: () => VirtualRequest): Promise<void> {
    while (!this.#isStopped) await this.send(next());
  }

  /** Sends requests at random intervals with this mean, until the end. */
  async poisson(
    next: () => VirtualRequest,
    { perSecond, random }: { perSecond: number; random: () => number },
  ): Promise<void> {
    while (!this.#isStopped) {
      await this.#pause((-Math.log(1 - random()) / perSecond) * 1000);
      void this.send(next());
    }
  }

  /** Lets it run, and forgets what was served before `warmUpMs`. */
  async run({ warmUpMs, durationMs }: { warmUpMs: number; durationMs: number }): Promise<void> {
    await this.clock.advanceTo(STARTED_AT + warmUpMs);
    this.served.length = 0;
    this.#isWarm = true;
    await this.clock.advanceTo(STARTED_AT + warmUpMs + durationMs);
    this.#isStopped = true;
  }

  #open(options: { table: MemoryTable; workersEach: number; instanceId: string }): Host {
    const { clock } = this;
    const lanes = this.#lanes;
    const settings = {
      workers: options.workersEach,
      maxQueueLength: Number.POSITIVE_INFINITY,
      reservations: new Map(),
      preemptible: [],
    };
    const places = openSlots({ settings, lanes, clock });
    const fairShare = this.#openFairShare(options);
    const host: Host = { services: { ...places, fairShare, lanes } };
    for (const lane of lanes.lanes) {
      for (const queue of [lane.queue, lane.overQueue]) {
        this.#queues
          .get(queue)
          ?.serve((message) => this.#run(host, message, queue === lane.overQueue));
      }
    }
    return host;
  }

  #openFairShare({
    table,
    workersEach,
    instanceId,
  }: {
    table: MemoryTable;
    workersEach: number;
    instanceId: string;
  }): FairShareServices {
    const { clock } = this;
    const capacityOf = (priority: number): number =>
      Math.min(workersEach, laneFor(this.#lanes, priority).concurrency);
    const book = new FairShareBook({ clock, capacityOf });
    const onProblem = (error: unknown): void => {
      throw error;
    };
    const left = new LeftRequests(clock);
    // Its hosts hold what they have received.
    const relief = new LaneRelief({ queues: [], spareOf: () => 0, random: () => 0 });
    const ledger = createFairShareLedger({
      ...{ book, left, relief, table: table.asTable, instanceId, clock, onProblem },
    });
    return { book, left, relief, ledger };
  }

  /** As a lane's worker does. */
  async #run({ services }: Host, message: Message, isOver: boolean): Promise<void> {
    const { priority, userId, groupId, receivedAt, serviceMs } = message;
    const lane = laneFor(services.lanes, priority);
    const { signal } = new AbortController();
    const demand = { priority, userId, groupId, signal, isLimited: false, isOver };
    services.fairShare.ledger?.start();
    await this.#pause(HOP_MS);
    await throughGate(services, {
      lane,
      place: receivedAt,
      demand,
      run: async (slot) => {
        const waitedMs = this.clock.now() - receivedAt;
        await this.#pause(serviceMs);
        slot.release();
        message.done(waitedMs);
      },
    });
    services.fairShare.book.ended(lane.priority, serviceMs);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.clock.schedule(ms, resolve));
  }
}
