import type { Settings } from "../../shared/config/index.ts";
import type { BackendId } from "../../shared/core/domain.ts";
import { type DecisionReceipt, matchHosts, servingHost } from "../../shared/routing/index.ts";
import { heard, type TelemetryEvent } from "../../shared/telemetry/index.ts";
import type { TraceRow } from "../replay/trace-row.ts";
import { StartError } from "../service.ts";
import { type BackendPatches, modelsFor } from "./backend-model.ts";
import { BreakerWatch } from "./breaker-watch.ts";
import { createInstance, type GatewayInstance } from "./gateway-instance.ts";
import { luckOf } from "./luck-of.ts";
import { type ArrivalOptions, planArrivals, type SimulatedRequest } from "./plan-arrivals.ts";
import { type SimulationResult, toResult } from "./result.ts";
import { requestId, serveArrival } from "./serve-arrival.ts";
import { SimulatedBackend } from "./simulated-backend.ts";
import { SimulatedClient } from "./simulated-client.ts";
import { Tally } from "./tally.ts";
import { VirtualClock } from "./virtual-clock.ts";

export interface SimulationPlan extends ArrivalOptions {
  /** As the result is to call the settings. */
  readonly name: string;
  readonly settings: Settings;
  readonly backends: BackendPatches;
  readonly rows: AsyncIterable<TraceRow> | Iterable<TraceRow>;
  readonly instances: number;
  /** Path of every request. */
  readonly path: string;
}

/**
 * Runs a trace through instances of the gateway, in virtual time and to its end. The same plan comes to
 * the same result. Throws a `StartError` where the trace or the settings cannot be used.
 */
export async function simulate(plan: SimulationPlan): Promise<SimulationResult> {
  const { settings, path } = plan;
  if (matchHosts(settings.hosts.map(servingHost), path).length === 0) {
    throw new StartError(`No host of ${plan.name} serves ${path}: name another path with --path.`);
  }
  const models = modelsFor(settings.hosts, plan.backends);
  const arrivals = planArrivals(plan.rows, plan);
  const first = await arrivals.next();
  if (first.done) throw new StartError("The trace has no request in what --from and --to leave.");
  const startedAt = first.value.arrivesAt;
  const backends = new Map(
    [...models].map(([id, model]) => [id, new SimulatedBackend(model, startedAt)]),
  );
  const run = await Simulation.create(plan, { startedAt, backends });
  try {
    await run.arrive(first.value);
    for await (const arrival of arrivals) await run.arrive(arrival);
    await run.finish();
    return run.result();
  } finally {
    await run.close();
  }
}

interface World {
  readonly startedAt: number;
  readonly backends: ReadonlyMap<BackendId, SimulatedBackend>;
}

interface Running {
  readonly request: SimulatedRequest;
  receipt?: DecisionReceipt;
}

/** The instances, what runs in them, and the counts. Scope: one simulation. */
class Simulation {
  readonly #plan: SimulationPlan;
  readonly #world: World;
  readonly #clock: VirtualClock;
  readonly #instances: GatewayInstance[] = [];
  readonly #running = new Map<string, Running>();
  readonly #tally = new Tally();
  #breakers = new BreakerWatch([]);
  #failure: { readonly error: unknown } | undefined;
  #lastArrivalAt: number;
  #endedAt: number;

  private constructor(plan: SimulationPlan, world: World) {
    this.#plan = plan;
    this.#world = world;
    this.#clock = new VirtualClock(world.startedAt);
    this.#lastArrivalAt = world.startedAt;
    this.#endedAt = world.startedAt;
  }

  static async create(plan: SimulationPlan, world: World): Promise<Simulation> {
    const simulation = new Simulation(plan, world);
    await simulation.#start();
    return simulation;
  }

  async #start(): Promise<void> {
    const { name, seed, settings, instances } = this.#plan;
    const clock = this.#clock;
    const backends = new SimulatedClient({
      clock,
      seed,
      backends: this.#world.backends,
      requestOf: (id) => this.#running.get(id)?.request,
      onTrouble: () => this.#breakers.suspect(),
    });
    const emit = (event: TelemetryEvent): void => this.#note(heard(event));
    for (let number = 1; number <= instances; number++) {
      const random = luckOf(seed, "instance", number);
      this.#instances.push(await createInstance({ name, settings, clock, backends, random, emit }));
    }
    this.#breakers = new BreakerWatch(this.#instances.map(({ services }) => services.pool));
    for (const instance of this.#instances) instance.start();
  }

  /** Goes to a request's arrival and lets it in; the instances take turns. */
  async arrive(request: SimulatedRequest): Promise<void> {
    await this.#clock.advanceTo(request.arrivesAt, () => this.#look());
    const instance = this.#instances[(request.number - 1) % this.#instances.length];
    if (!instance) throw new Error("There is no instance.");
    const id = requestId(request);
    const running: Running = { request };
    this.#running.set(id, running);
    this.#lastArrivalAt = request.arrivesAt;
    this.#tally.arrived(request);
    serveArrival(instance.services, request, this.#plan.path)
      .then((outcome) => {
        const { receipt } = running;
        const ranAt = this.#world.backends.get(receipt?.attempts.at(-1)?.backend ?? "");
        const cost = ranAt?.costOf(request) ?? 0;
        this.#tally.ended({ request, outcome, receipt, cost });
      })
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#running.delete(id);
        this.#endedAt = this.#clock.now();
      });
  }

  /** Sees everything through that has arrived. */
  async finish(): Promise<void> {
    await this.#clock.advanceTo(this.#clock.now(), () => this.#look());
    while (this.#running.size > 0) {
      const hasMoved = await this.#clock.step();
      this.#look();
      if (!hasMoved && this.#running.size > 0) {
        throw new Error(`${this.#running.size} requests wait for what never comes.`);
      }
    }
  }

  result(): SimulationResult {
    const { name, seed, settings } = this.#plan;
    return toResult({
      settings: name,
      seed,
      simulatedMs: this.#endedAt - this.#world.startedAt,
      arrivalsMs: this.#lastArrivalAt - this.#world.startedAt,
      tally: this.#tally,
      hosts: settings.hosts,
      backends: this.#world.backends,
      openings: this.#breakers.openings,
    });
  }

  async close(): Promise<void> {
    for (const instance of this.#instances) await instance.stop();
  }

  #look(): void {
    if (this.#failure) throw this.#failure.error;
    this.#breakers.look(this.#clock.now());
  }

  #note(event: TelemetryEvent): void {
    if (!isReceipt(event)) return;
    const running = this.#running.get(event.requestId);
    if (running) running.receipt = event;
  }
}

const isReceipt = (event: TelemetryEvent): event is TelemetryEvent & DecisionReceipt =>
  event.event === "request.routed";
