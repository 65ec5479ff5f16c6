import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Ids of the orchestrations that have not ended, as Durable's own management API tells them. */
export async function openOrchestrations(url: string, dataDir: string): Promise<string[]> {
  const key = Buffer.from(readFileSync(join(dataDir, "master.key"), "utf8"), "base64");
  const place =
    `${url}/runtime/webhooks/durabletask/instances` +
    "?runtimeStatus=Running,Pending,Suspended&top=1000&showInput=false";
  const response = await fetch(place, {
    headers: { "x-functions-key": key.toString("base64url") },
  });
  if (response.status !== 200) throw new Error(`The instances were ${response.status}.`);
  const instances = (await response.json()) as { instanceId: string }[];
  return instances.map(({ instanceId }) => instanceId);
}
