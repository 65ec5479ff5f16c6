import { describe, expect, it } from "vitest";
import { settleInTime } from "../../../shared/messaging/settle-in-time.ts";

const SOON_MS = 5;
const LATE_MS = 3_600_000;

describe("settleInTime", () => {
  it("waits for what settles, and takes a failure for an end like any other", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let isDone = false;
    const waiting = settleInTime(promise, LATE_MS).then(() => {
      isDone = true;
    });
    await new Promise(setImmediate);
    expect(isDone).toBe(false);
    resolve();
    await waiting;
    await expect(settleInTime(Promise.reject(new Error("gone")), LATE_MS)).resolves.toBeUndefined();
  });

  it("gives up what never settles", async () => {
    await expect(settleInTime(new Promise(() => {}), SOON_MS)).resolves.toBeUndefined();
  });
});
