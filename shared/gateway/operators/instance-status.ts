import type { PriorityClass } from "../../core/domain.ts";
import type { SnapshotStatus } from "../../documents/index.ts";
import type { BackendState, BackendView } from "../../routing/index.ts";
import type { SchedulerSnapshot } from "../../scheduling/index.ts";
import type { Services } from "../services.ts";
import type { TrafficCounts, TrafficStatus } from "./traffic-board.ts";

/** Why an instance should get no requests now. */
export type ReadinessProblem = "stopping" | "no-active-backend" | "policy-not-loaded";

/** A backend as operators see it: by its number in the settings, never by its address. */
export interface BackendStatus {
  readonly label: string;
  readonly tier: number;
  readonly isHealthy: boolean;
  readonly breaker: BackendView["breaker"]["state"];
  readonly inFlight: number;
  /** How many calls it may have at once; null where that is not limited. */
  readonly maxInFlight: number | null;
  /** The part of its provisioned throughput (PTU) in use, as it said lately; null where it says nothing. */
  readonly utilization: number | null;
  /** Time to its first byte lately; null before anything was measured. */
  readonly latencyMs: number | null;
  /** The part of its latest calls that failed, 0 to 1. */
  readonly failureRate: number;
  /** How long it asked to be left alone; 0 when it may be called. */
  readonly throttledForMs: number;
  /** Requests that wait in line until it has rested; one that waits for several backends counts at each. */
  readonly waitingInLine: number;
  /** The most urgent class of those; null where nobody waits. */
  readonly mostUrgentInLine: PriorityClass | null;
}

/** The gate of a lane: how many of its messages this instance runs, and how many wait to be run. */
export interface GateStatus {
  readonly lane: string;
  readonly capacity: number;
  readonly running: number;
  readonly waiting: number;
}

/** What one instance is doing at one moment: plain data. */
export interface InstanceStatus<Traffic = TrafficStatus> {
  readonly at: string;
  readonly isReady: boolean;
  readonly readinessProblems: readonly ReadinessProblem[];
  readonly slots: { readonly total: number; readonly running: number; readonly free: number };
  readonly waiting: {
    readonly total: number;
    /** Users with a waiting or running request. */
    readonly users: number;
    readonly oldestWaitMs: number;
    readonly classes: SchedulerSnapshot["classes"];
  };
  /** Requests whose connection is held here while a lane's worker serves them, somewhere. */
  readonly awaitingReplies: number;
  readonly gates: readonly GateStatus[];
  /** Requests that wait until a backend has room, or has rested: they hold no slot meanwhile. */
  readonly awaitingBackends: number;
  readonly backends: readonly BackendStatus[];
  readonly policy: SnapshotStatus;
  readonly traffic: Traffic;
}

/** What keeps the instance from serving; empty when it is ready. Costs a look at each backend. */
export function readinessProblems({
  stopping,
  pool,
  policy,
}: Pick<Services, "stopping" | "pool" | "policy">): readonly ReadinessProblem[] {
  return [
    ...(stopping.aborted ? (["stopping"] as const) : []),
    ...(pool.activeHosts().length === 0 ? (["no-active-backend"] as const) : []),
    ...(policy.isAvailable ? [] : (["policy-not-loaded"] as const)),
  ];
}

/** Takes a snapshot of the instance. */
export const instanceStatus = (services: Services): InstanceStatus =>
  statusWith(services, services.traffic.status());

/** Takes one without its lists of users and requests. */
export const briefStatus = (services: Services): InstanceStatus<TrafficCounts> =>
  statusWith(services, services.traffic.counts());

function statusWith<Traffic>(services: Services, traffic: Traffic): InstanceStatus<Traffic> {
  const { slots, gates, pool, policy, waitingRoom, clock } = services;
  const nowMs = clock.now();
  const problems = readinessProblems(services);
  const { capacity, running, waiting, users, classes } = slots.snapshot();
  return {
    at: new Date(nowMs).toISOString(),
    isReady: problems.length === 0,
    readinessProblems: problems,
    slots: { total: capacity, running, free: Math.max(0, capacity - running) },
    waiting: {
      total: waiting,
      users,
      oldestWaitMs: Math.max(0, ...classes.map(({ oldestWaitMs }) => oldestWaitMs)),
      classes,
    },
    awaitingReplies: waitingRoom?.replies.waiting ?? 0,
    gates: [...gates].map(([lane, gate]) => ({
      lane,
      capacity: Math.min(gate.capacity, capacity),
      running: gate.running,
      waiting: gate.waiting,
    })),
    awaitingBackends: pool.room.waiting,
    backends: pool.backends.map((backend) => backendStatus(backend, nowMs)),
    policy: policy.status(),
    traffic,
  };
}

function backendStatus(backend: BackendState, nowMs: number): BackendStatus {
  const view = backend.view(nowMs);
  return {
    label: view.host.id,
    tier: view.host.tier,
    isHealthy: view.isHealthy,
    breaker: view.breaker.state,
    inFlight: view.inFlight,
    maxInFlight: view.host.maxConcurrency ?? null,
    utilization: view.utilization ?? null,
    latencyMs: view.latencyMs ?? null,
    failureRate: view.failureRate,
    throttledForMs: Math.max(0, view.throttledUntil - nowMs),
    waitingInLine: backend.line.waiting,
    mostUrgentInLine: view.nextInLine ?? null,
  };
}
