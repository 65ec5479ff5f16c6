import { describe, expect, it } from "vitest";
import { GatewayError } from "../../../../shared/core/errors.ts";
import {
  cancelJob,
  checkAttempt,
  enqueueAttempt,
  type JobChange,
  moveJob,
} from "../../../../shared/gateway/index.ts";
import { readRequestEnvelope } from "../../../../shared/messaging/index.ts";
import { createGateway, fakeEngine, type TestGateway } from "../../../support/gateway.ts";
import { acceptedJob, run } from "../../../support/lane-messages.ts";
import { bodyOf, textOf } from "../../../support/streams.ts";

const LATER = { isFirst: false, isLate: false };
const first = { jobId: "job-1", attempt: 1, epoch: 0 };

function changeOf(change: Partial<JobChange> = {}): JobChange {
  return { id: "job-1", headers: [], target: "/jobs/job-1", engine: fakeEngine(), ...change };
}

// Of class 1, by the settings' own defaults.
const URGENT = [["S7PPriorityKey", "12345"]] as const;
const patchOf = (value: unknown, change: Partial<JobChange> = {}): JobChange =>
  changeOf({ ...change, body: bodyOf(JSON.stringify(value)) });

async function waitingJob(): Promise<TestGateway> {
  const gateway = createGateway();
  await acceptedJob(gateway);
  await enqueueAttempt(gateway.services, first);
  return gateway;
}

const codeOf = (changing: Promise<unknown>): Promise<string> =>
  changing.then(
    () => "answered",
    (error: unknown) => (error instanceof GatewayError ? error.code : String(error)),
  );

describe("cancelling a job", () => {
  it("ends one that waits: its message runs nothing any more", async () => {
    const gateway = await waitingJob();
    const engine = fakeEngine();
    const response = await cancelJob(gateway.services, changeOf({ engine }));
    expect(response.status).toBe(200);
    expect(JSON.parse(await textOf(response.body))).toMatchObject({ state: "cancelled" });
    expect(engine.signal).toHaveBeenCalledWith("job-1", {
      attempt: 1,
      isFinal: true,
      isAbandoned: true,
    });
    await run(gateway, gateway.bus.sent[0]?.message.body);
    expect(gateway.backends.calls).toEqual([]);
  });

  it("aborts one that runs, on whatever instance, within seconds", async () => {
    const gateway = await waitingJob();
    gateway.backends.silence();
    const running = run(gateway, gateway.bus.sent[0]?.message.body);
    await expect.poll(() => gateway.backends.calls.length).toBe(1);
    await cancelJob(gateway.services, changeOf());
    await gateway.clock.advance(2000);
    await running;
    expect(gateway.backends.calls[0]?.signal.aborted).toBe(true);
    expect((await gateway.services.jobs?.store.read("job-1"))?.outcome?.state).toBe("cancelled");
    expect(gateway.results.blobs.size).toBe(0);
  });

  it("answers the same however often it is asked, and changes no other end", async () => {
    const gateway = await waitingJob();
    const succeeded = { state: "succeeded", endedAt: 1, attempt: 1 } as const;
    await gateway.services.jobs?.store.commitOutcome("job-1", succeeded);
    for (let times = 0; times < 2; times++) {
      const { body } = await cancelJob(gateway.services, changeOf());
      expect(JSON.parse(await textOf(body))).toMatchObject({ state: "succeeded" });
    }
  });

  it("is for its owner alone", async () => {
    const { services } = await waitingJob();
    const asBen = { headers: [["X-UserID", "ben"]] } as const;
    expect(await codeOf(cancelJob(services, changeOf(asBen)))).toBe("job-not-found");
    expect(await codeOf(moveJob(services, patchOf({ priority: 1 }, asBen)))).toBe("job-not-found");
  });
});

describe("moving a job that waits", () => {
  it("makes its message void and sends another to the lane of its new class", async () => {
    const gateway = await waitingJob();
    const { services, bus, backends } = gateway;
    backends.answer(200);
    const engine = fakeEngine();
    const response = await moveJob(services, patchOf({ priority: 1 }, { engine, headers: URGENT }));
    expect(JSON.parse(await textOf(response.body))).toMatchObject({ state: "queued", priority: 1 });
    expect(engine.signal).toHaveBeenCalledWith("job-1", { attempt: 1, isFinal: false, epoch: 1 });
    expect(await enqueueAttempt(services, first)).toBe(1);
    const [old, moved] = bus.sent;
    expect(moved).toMatchObject({
      queue: "lane-critical",
      message: { messageId: "moved-1-1-job-1" },
    });
    await run(gateway, old?.message.body);
    expect(backends.calls).toEqual([]);
    expect(readRequestEnvelope(moved?.message.body)).toMatchObject({ priority: 1, epoch: 1 });
    await run(gateway, moved?.message.body);
    expect(backends.calls).toHaveLength(1);
  });

  it("is found by an orchestrator that was not told", async () => {
    const { services } = await waitingJob();
    await moveJob(services, patchOf({ priority: 3 }));
    const word = { attempt: 1, isFinal: false, epoch: 1 };
    expect(await checkAttempt(services, { ...first, look: LATER })).toEqual(word);
    expect(await checkAttempt(services, { ...first, epoch: 1, look: LATER })).toBeNull();
  });

  it("comes too late for one that runs or has ended, and says so", async () => {
    const { services } = await waitingJob();
    await services.jobs?.store.recordStart("job-1", { attempt: 1, epoch: 0 }, 0);
    expect(await codeOf(moveJob(services, patchOf({ priority: 1 })))).toBe("job-not-waiting");
    await cancelJob(services, changeOf());
    expect(await codeOf(moveJob(services, patchOf({ priority: 1 })))).toBe("job-not-waiting");
  });

  it.each([[{}], [{ priority: 17 }], [{ priority: "1" }], [{ priority: 1, state: "x" }], [null]])(
    "refuses what is no class: %j",
    async (patch) => {
      const { services } = await waitingJob();
      expect(await codeOf(moveJob(services, patchOf(patch)))).toBe("bad-request");
    },
  );
});
