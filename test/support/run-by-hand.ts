import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestStack } from "./stack.ts";

/** Runs a function now, with an input where its trigger has one, as an operator of the platform may. */
export async function runByHand(
  { url, dataDir }: Pick<TestStack, "url" | "dataDir">,
  name: string,
  input?: string,
): Promise<void> {
  const kept = readFileSync(join(dataDir, "master.key"), "utf8").trim();
  const key = Buffer.from(kept, "base64").toString("base64url");
  const { status } = await fetch(`${url}/admin/functions/${name}`, {
    method: "POST",
    headers: { "x-functions-key": key, "content-type": "application/json" },
    body: JSON.stringify({ input }),
  });
  if (status !== 202) throw new Error(`The function ${name} was not run: ${status}.`);
}
