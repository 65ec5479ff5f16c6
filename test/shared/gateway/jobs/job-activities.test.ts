import { describe, expect, it } from "vitest";
import { checkAttempt, enqueueAttempt, expireJob } from "../../../../shared/gateway/index.ts";
import { readRequestEnvelope } from "../../../../shared/messaging/index.ts";
import { createGateway, type TestGateway } from "../../../support/gateway.ts";
import { acceptedJob } from "../../../support/lane-messages.ts";

const second = { jobId: "job-1", attempt: 2, epoch: 0 };
const LATER = { isFirst: false, isLate: false };

async function open(topic?: string): Promise<TestGateway> {
  const gateway = createGateway(topic === undefined ? {} : { GATEWAY_JOBS_TOPIC: topic });
  await acceptedJob(gateway);
  return gateway;
}

describe("putting an attempt into its lane", () => {
  it("sends the job's request with the attempt's number, for as long as the job lives", async () => {
    const { services, bus, clock } = await open();
    await clock.advance(10_000);
    await enqueueAttempt(services, second);
    expect(bus.sent).toMatchObject([
      { queue: "lane-standard", message: { messageId: "job-job-1-2", timeToLiveMs: 50_000 } },
    ]);
    expect(readRequestEnvelope(bus.sent[0]?.message.body)).toMatchObject({
      kind: "job",
      id: "job-1",
      attempt: 2,
      maxAttempts: 5,
      body: { text: "question" },
    });
  });

  it("sends all attempts of a job whose owner was over their share to the class's other queue", async () => {
    const gateway = createGateway({ Workers: "1" });
    const { book } = gateway.services.fairShare;
    for (let n = 0; n < 5; n++) book.hold(2, { userId: "defaultUser" });
    const other = book.hold(2, { userId: "other" });
    await acceptedJob(gateway);
    other.release();
    await gateway.clock.advance(30_000);
    await enqueueAttempt(gateway.services, second);
    expect(gateway.bus.sent.map(({ queue }) => queue)).toEqual(["lane-standard-over"]);
  });

  it("names its message the same each time, so that the lane drops a repetition", async () => {
    const { services, bus } = await open();
    await enqueueAttempt(services, second);
    await enqueueAttempt(services, second);
    expect(new Set(bus.sent.map(({ message }) => message.messageId)).size).toBe(1);
  });

  it("leaves a job alone that has ended, or never was", async () => {
    const { services, bus } = await open();
    await expireJob(services, second);
    await enqueueAttempt(services, second);
    await enqueueAttempt(services, { jobId: "job-2", attempt: 1, epoch: 0 });
    expect(bus.sent).toEqual([]);
  });

  it("fails when the broker is away, so that the engine tries again", async () => {
    const { services, bus } = await open();
    bus.sendError = new Error("away");
    await expect(enqueueAttempt(services, second)).rejects.toThrow("away");
  });
});

describe("looking for word of an attempt", () => {
  it("tells what could not be told before", async () => {
    const { services, bus } = await open("job-status");
    bus.sendError = new Error("away");
    await services.jobs?.events.announce("job-1", { kind: "running", attempt: 1 });
    bus.sendError = undefined;
    await checkAttempt(services, { ...second, look: LATER });
    expect(bus.sent.map(({ message }) => message.messageId)).toEqual([
      "job-job-1-event-2",
      "job-job-1-event-3",
    ]);
  });

  it("finds none while it runs, in a form that survives JSON", async () => {
    const { services } = await open();
    expect(await checkAttempt(services, { ...second, look: LATER })).toBeNull();
  });

  it("finds what the worker recorded", async () => {
    const { services } = await open();
    await services.jobs?.store.recordRetry("job-1", 2, {
      endedAt: 0,
      reason: "status-503",
      retryAfterMs: 3000,
    });
    expect(await checkAttempt(services, { ...second, look: LATER })).toEqual({
      attempt: 2,
      isFinal: false,
      retryAfterMs: 3000,
    });
  });
});

describe("ending a job whose time is over", () => {
  it("commits that it expired", async () => {
    const { services, clock } = await open();
    await expireJob(services, second);
    expect((await services.jobs?.store.read("job-1"))?.outcome).toEqual({
      state: "expired",
      endedAt: clock.now(),
      attempt: 2,
      error: { code: "ttl-expired", detail: "The job's time to live is over." },
    });
  });

  it("leaves an outcome that stands", async () => {
    const { services } = await open();
    const succeeded = { state: "succeeded", endedAt: 1, attempt: 1 } as const;
    await services.jobs?.store.commitOutcome("job-1", succeeded);
    await expireJob(services, second);
    expect((await services.jobs?.store.read("job-1"))?.outcome).toEqual(succeeded);
  });
});
