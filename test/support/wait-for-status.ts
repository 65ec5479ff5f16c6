import type { DurableClient, DurableOrchestrationStatus } from "durable-functions";

const ENDED: readonly string[] = ["Completed", "Failed", "Terminated", "Canceled"];

const DEADLINE_MS = 30_000;

/** Resolves with the status once `isReached` says so; rejects with the last one after a deadline. */
export async function waitForStatus(
  client: DurableClient,
  instanceId: string,
  isReached: (status: DurableOrchestrationStatus) => boolean,
): Promise<DurableOrchestrationStatus> {
  const endAt = Date.now() + DEADLINE_MS;
  for (;;) {
    const status = await client.getStatus(instanceId);
    if (isReached(status)) return status;
    if (Date.now() > endAt) throw new Error(`Still waiting: ${JSON.stringify(status)}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Resolves with the status of an instance that has ended. */
export function waitForEnd(
  client: DurableClient,
  instanceId: string,
): Promise<DurableOrchestrationStatus> {
  return waitForStatus(client, instanceId, ({ runtimeStatus }) => ENDED.includes(runtimeStatus));
}
