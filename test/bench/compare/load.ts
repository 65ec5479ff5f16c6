import { setTimeout as pause } from "node:timers/promises";
import { LoadConnection } from "./load-connection.ts";
import type { LoadOrder, LoadResult } from "./orders.ts";

// Paced streams begin within this part of their length. Were they to begin at once, the events that come first would
// wait for requests that are still being taken, and the measure would be of that.
const BEGIN_WITHIN = 0.2;

function beginningMs({ answer, connections }: LoadOrder): (lane: number) => number {
  const { events = 0, intervalMs = 0 } = answer;
  return (lane) => (events * intervalMs * BEGIN_WITHIN * lane) / connections;
}

/** The load generator, in a process of its own: takes an order, gives what it saw, takes the next. */
async function run(order: LoadOrder): Promise<LoadResult> {
  const lanes = await Promise.all(
    Array.from({ length: order.connections }, () => LoadConnection.open(order)),
  );
  const startedAt = performance.now();
  const endsAt = startedAt + order.durationMs;
  const beginsAfterMs = beginningMs(order);
  const repeat = async (lane: LoadConnection, index: number): Promise<void> => {
    await pause(beginsAfterMs(index));
    do await lane.request();
    while (performance.now() < endsAt);
  };
  await Promise.all(lanes.map(repeat));
  const elapsedMs = performance.now() - startedAt;
  for (const lane of lanes) lane.close();
  return {
    elapsedMs,
    requestMs: lanes.flatMap((lane) => lane.requestMs),
    eventMs: lanes.flatMap((lane) => lane.eventMs),
    failures: lanes.reduce((sum, lane) => sum + lane.failures, 0),
    longestSilenceMs: Math.max(...lanes.map((lane) => lane.longestSilenceMs)),
  };
}

process.on("message", (order: LoadOrder) => {
  run(order).then(
    (result) => process.send?.(result),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
process.on("disconnect", () => process.exit(0));
