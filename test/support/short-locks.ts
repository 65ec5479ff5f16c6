import { startBroker } from "../../local/broker/index.ts";
import { namespaceFor } from "../../local/topology.ts";
import { shippedLanes } from "../../shared/config/index.ts";

/** Which queues' locks are shorter than in Azure, where a killed worker's message comes again after a minute. */
export interface ShortLocks {
  readonly queues: readonly string[];
  readonly lockMs: number;
}

/** Starts a broker in the test's own hands, which survives the stacks that use it. */
export function startBrokerWith({ queues, lockMs }: ShortLocks, dataDir: string) {
  const namespace = namespaceFor(shippedLanes());
  const short = namespace.queues.map((queue) =>
    queues.includes(queue.name) ? { ...queue, lockDurationMs: lockMs } : queue,
  );
  return startBroker({
    port: 0,
    dataDir,
    namespace: { queues: short, topics: namespace.topics },
  });
}
