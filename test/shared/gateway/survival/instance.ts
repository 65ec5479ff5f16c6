import type { Lane } from "../../../../shared/config/index.ts";
import { delay } from "../../../../shared/core/clock.ts";
import type { GatewayResponse } from "../../../../shared/core/http.ts";
import { handleRequest, runLaneMessage, type Services } from "../../../../shared/gateway/index.ts";
import type { JobEngine } from "../../../../shared/jobs/index.ts";
import { settle } from "../../../support/fake-clock.ts";
import { createGateway, requestTo, type TestGateway } from "../../../support/gateway.ts";
import type { Delivery, Worker } from "./broker.ts";
import { never, type Part } from "./chance.ts";
import type { ActivityHost } from "./engine.ts";
import type { SurvivalWorld } from "./survival-world.ts";

const TABLE = [
  "insert",
  "upsert",
  "get",
  "readPartition",
  "readRange",
  "remove",
  "removeUnchanged",
  "transact",
  "removeAll",
];
const BLOBS = ["write", "writeStream", "read", "readStream", "sizeOf", "remove", "removeAll"];
const SETTINGS = { GATEWAY_JOBS_RECONCILE_SECONDS: "5", GATEWAY_MESSAGING_INLINE_BYTES: "1" };

/** What a client asks for. */
export interface Asked {
  readonly id: string;
  readonly body: string;
  readonly headers: readonly (readonly [string, string])[];
}

/** One process of the gateway: it shares what is global with all others, and dies at once. */
export class Instance implements Worker, ActivityHost {
  readonly #world: SurvivalWorld;
  readonly #gateway: TestGateway;
  readonly services: Services;
  readonly engine: JobEngine;
  isDead = false;

  constructor(world: SurvivalWorld) {
    this.#world = world;
    this.#gateway = createGateway({ ...SETTINGS, ...world.settings });
    const { table, results, work, bus, backends } = this.#gateway;
    this.#stand(table, world.table, { part: "storage", names: TABLE });
    this.#stand(results, world.results, { part: "storage", names: BLOBS });
    this.#stand(work, world.work, { part: "storage", names: BLOBS });
    this.#stand(bus, world.bus, { part: "bus", names: ["send", "client"] });
    backends.answers.push((call) => world.answer(call, this.#gateway.clock));
    this.services = { ...this.#gateway.services, newId: world.newId, random: world.random };
    this.engine = {
      start: (jobId, input) =>
        this.#call("engine", async () => world.engine.start(jobId, input, world.nowMs)),
      signal: (jobId, signal) =>
        this.#call("engine", async () => world.engine.signal(jobId, signal)),
    };
  }

  /** Time passes for those who live. */
  async passTo(nowMs: number): Promise<void> {
    const { clock } = this.#gateway;
    if (!this.isDead) await clock.advance(nowMs - clock.now());
  }

  run(lane: Lane, { queue, messageId, body, deliveryCount }: Delivery): Promise<void> {
    const delivery = { lane, queue, message: body, messageId, deliveryCount };
    return runLaneMessage(this.services, delivery, this.engine);
  }

  ask({ id, body, headers }: Asked): Promise<GatewayResponse> {
    const request = requestTo(this.#gateway, { id, headers, body, target: "/chat" });
    return handleRequest(this.services, request, this.engine);
  }

  /** Puts what is global behind what the gateway has of its own, and all its calls at risk. */
  #stand<Kind extends object>(
    front: Kind,
    back: Kind,
    { part, names }: { readonly part: Part; readonly names: readonly string[] },
  ): void {
    for (const name of names) {
      const call = Reflect.get(back, name) as (...all: unknown[]) => Promise<unknown>;
      const value = (...all: unknown[]) => this.#call(part, () => call.apply(back, all));
      Object.defineProperty(front, name, { value });
    }
  }

  async #call<Result>(part: Part, call: () => Promise<Result>): Promise<Result> {
    const fate = this.#world.fate(part);
    for (let turns = 0; turns < fate.turns; turns++) await settle();
    if (fate.lateMs > 0) await delay(this.#gateway.clock, fate.lateMs);
    if (fate.dies === "before") this.isDead = true;
    if (this.isDead) return never();
    if (fate.isRefused) throw fate.error;
    const result = await call();
    if (fate.dies === "behind") this.isDead = true;
    if (this.isDead) return never();
    if (fate.isLost) throw fate.error;
    return result;
  }
}
