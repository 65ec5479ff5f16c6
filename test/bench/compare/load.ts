import { LoadConnection } from "./load-connection.ts";
import type { LoadOrder, LoadResult } from "./orders.ts";

/** The load generator, in a process of its own: takes an order, gives what it saw, takes the next. */
async function run(order: LoadOrder): Promise<LoadResult> {
  const lanes = await Promise.all(
    Array.from({ length: order.connections }, () => LoadConnection.open(order)),
  );
  const startedAt = performance.now();
  const endsAt = startedAt + order.durationMs;
  const repeat = async (lane: LoadConnection): Promise<void> => {
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
