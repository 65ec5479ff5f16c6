import { expect } from "vitest";

/** `expect` for what becomes true in a while, however busy the machine is. */
export function eventually<T>(read: () => T | Promise<T>) {
  return expect.poll(read, { timeout: 60_000, interval: 5 });
}
