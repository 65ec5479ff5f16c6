import type { DurableClient, DurableOrchestrationStatus } from "durable-functions";

const ENDED: readonly string[] = ["Completed", "Failed", "Terminated", "Canceled"];

const DEADLINE_MS = 90_000;

// Polling a busy engine too often is what keeps it busy.
const MIN_PAUSE_MS = 2;
const MAX_PAUSE_MS = 100;

/** Resolves with the status once `isReached` says so; rejects with the last one after a deadline. */
export async function waitForStatus(
  client: DurableClient,
  instanceId: string,
  isReached: (status: DurableOrchestrationStatus) => boolean,
): Promise<DurableOrchestrationStatus> {
  const endAt = Date.now() + DEADLINE_MS;
  for (let pauseMs = MIN_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)) {
    const status = await client.getStatus(instanceId);
    if (isReached(status)) return status;
    if (Date.now() > endAt) throw new Error(`Still waiting: ${JSON.stringify(status)}`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

/** Resolves with the status of an instance that has ended. */
export function waitForEnd(
  client: DurableClient,
  instanceId: string,
): Promise<DurableOrchestrationStatus> {
  return waitForStatus(client, instanceId, ({ runtimeStatus }) => ENDED.includes(runtimeStatus));
}
