import { describe, expect, it } from "vitest";
import { FairShare } from "../../../shared/scheduling/fair-share.ts";
import type { Flow } from "../../../shared/scheduling/flow.ts";

function wait(share: FairShare, id: string): Flow {
  const flow = share.open("user", id);
  flow.waiting = 1;
  share.join(flow, 1);
  return flow;
}

/** Serves the flow although it may not be its turn. */
function serve(share: FairShare, flow: Flow, cost: number): void {
  flow.waiting -= 1;
  flow.running += 1;
  share.charge(flow, cost, 1);
}

function end(
  share: FairShare,
  flow: Flow,
  { charged, actual }: { charged: number; actual: number },
): void {
  flow.running -= 1;
  share.correct(flow, charged, actual);
  share.settle(flow);
}

describe("a share's accounts", () => {
  it("remember of an idle flow's debt no more than its dearest request", () => {
    const share = new FairShare();
    wait(share, "witness");
    const flow = wait(share, "debtor");
    flow.waiting = 3;
    for (let served = 0; served < 3; served++) serve(share, flow, 1);
    for (let ended = 0; ended < 2; ended++) end(share, flow, { charged: 1, actual: 10 });
    expect(share.debt(flow)).toBeGreaterThan(15);
    end(share, flow, { charged: 1, actual: 10 });
    expect(share.debt(flow)).toBe(10);
  });

  it("are few, even of flows that owe much while one waits long", () => {
    const share = new FairShare();
    wait(share, "witness");
    for (let stranger = 0; stranger < 100; stranger++) {
      const flow = wait(share, `stranger${stranger}`);
      serve(share, flow, 1_000);
      end(share, flow, { charged: 1_000, actual: 1_000 });
    }
    expect(share.size).toBeGreaterThan(10);
    expect(share.size).toBeLessThanOrEqual(1 + 16 + 2);
  });

  it("are forgotten when nobody waits", () => {
    const share = new FairShare();
    const witness = wait(share, "witness");
    const flow = wait(share, "debtor");
    serve(share, flow, 5);
    end(share, flow, { charged: 5, actual: 5 });
    expect(share.find("user", "debtor")).toBe(flow);
    witness.waiting = 0;
    share.leave(witness);
    expect(share.size).toBe(0);
  });
});
