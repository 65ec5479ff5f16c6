import { describe, expect, it } from "vitest";
import { InFlight } from "../../../local/replay/in-flight.ts";
import { settle } from "../../support/fake-clock.ts";

describe("what is in flight", () => {
  it("has no room beyond its limit until something ends", async () => {
    const inFlight = new InFlight(2);
    const first = Promise.withResolvers<void>();
    const second = Promise.withResolvers<void>();
    inFlight.run(() => first.promise);
    inFlight.run(() => second.promise);
    let hasRoom = false;
    const room = inFlight.room().then(() => {
      hasRoom = true;
    });
    await settle();
    expect(hasRoom).toBe(false);
    first.resolve();
    await room;
    expect(inFlight.count).toBe(1);
    second.resolve();
    await inFlight.idle();
    expect(inFlight.count).toBe(0);
  });

  it("throws at the end what its work threw, once all of it has ended", async () => {
    const inFlight = new InFlight(2);
    const slow = Promise.withResolvers<void>();
    inFlight.run(() => Promise.reject(new Error("a fault")));
    inFlight.run(() => slow.promise);
    await settle();
    slow.resolve();
    await expect(inFlight.idle()).rejects.toThrow("a fault");
  });
});
