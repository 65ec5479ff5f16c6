import { describe, expect, it } from "vitest";
import { openPair, serve } from "../../../support/serving.ts";

describe("the gateway", () => {
  it("tells of each breaker that opens, is tried and closes, and no client of it", async () => {
    const gateway = openPair({ CBErrorThreshold: "1", CBTimeslice: "10" });
    gateway.backends.answer(500, "", []);
    gateway.backends.refuse();
    const failed = await serve(gateway);
    gateway.backends.answers.splice(0);
    gateway.backends.answer(200);
    const refused = await serve(gateway);
    await gateway.clock.advance(10_000);
    await serve(gateway);
    const told = gateway.events.filter(({ event }) => event === "backend.breaker.changed");
    const opened = { state: "open", reason: "failures", failures: 1, calls: 1, level: "warning" };
    const tried = { level: "info", failedTrials: 0, openForMs: 10_000 };
    expect(told).toMatchObject([
      { backend: "Host1", lastFailure: "status", ...opened },
      { backend: "Host2", lastFailure: "broken", ...opened },
      { backend: "Host1", state: "half-open", reason: "trial-begun", ...tried },
      { backend: "Host1", state: "closed", reason: "trial-succeeded", ...tried },
    ]);
    for (const { text, headers } of [failed, refused]) {
      expect(`${text} ${headers.join()}`).not.toMatch(/Host\d|breaker|backend-\d/);
    }
  });
});
