import { type GaugeReading, METRICS } from "../../telemetry/index.ts";
import type { Services } from "../services.ts";
import { briefStatus } from "./instance-status.ts";

const MS_PER_SECOND = 1000;
const BREAKER = { closed: 0, "half-open": 1, open: 2 } as const;

/** What an instance is doing at this moment, as gauges. */
export function instanceGauges(services: Services): GaugeReading[] {
  const { slots, waiting, gates, backends, awaitingReplies } = briefStatus(services);
  return [
    ...waiting.classes.flatMap(({ priority, waiting: depth, oldestWaitMs }): GaugeReading[] => [
      [METRICS.queueDepth, [priority], depth],
      [METRICS.oldestWait, [priority], oldestWaitMs / MS_PER_SECOND],
    ]),
    [METRICS.waitingUsers, [], waiting.users],
    [METRICS.slots, ["running"], slots.running],
    [METRICS.slots, ["free"], slots.free],
    [METRICS.awaitedReplies, [], awaitingReplies],
    ...gates.flatMap(({ lane, running, waiting: held }): GaugeReading[] => [
      [METRICS.laneMessages, [lane, "running"], running],
      [METRICS.laneMessages, [lane, "waiting"], held],
    ]),
    ...backends.flatMap((backend): GaugeReading[] => [
      [METRICS.breaker, [backend.label], BREAKER[backend.breaker]],
      [METRICS.isHealthy, [backend.label], backend.isHealthy ? 1 : 0],
      [METRICS.inFlight, [backend.label], backend.inFlight],
      [METRICS.throttledFor, [backend.label], backend.throttledForMs / MS_PER_SECOND],
      ...(backend.utilization === null
        ? []
        : [[METRICS.utilization, [backend.label], backend.utilization] as const]),
    ]),
    ...ledgerGauges(services),
    ...services.pool.backends.map(
      ({ host, line }): GaugeReading => [METRICS.restLine, [host.id], line.waiting],
    ),
  ];
}

function ledgerGauges({ usage }: Services): GaugeReading[] {
  const ageMs = usage.backlog?.oldestAgeMs();
  return ageMs === undefined ? [] : [[METRICS.uncountedAge, [], ageMs / MS_PER_SECOND]];
}
