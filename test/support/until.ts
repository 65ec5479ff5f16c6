import { setTimeout as pause } from "node:timers/promises";

const POLL_MS = 50;

/** Asks again until `probe` gives a value; fails when `withinMs` is over. A deadline, not a speed limit. */
export async function until<Value>(
  probe: () => Promise<Value | undefined>,
  withinMs: number,
  what: string,
): Promise<Value> {
  const deadline = Date.now() + withinMs;
  while (Date.now() < deadline) {
    const value = await probe();
    if (value !== undefined) return value;
    await pause(POLL_MS);
  }
  throw new Error(`${what} did not happen within ${withinMs} ms.`);
}
