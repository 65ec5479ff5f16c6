import { describe, expect, it } from "vitest";
import {
  acceptBatch,
  advanceBatch,
  checkAttempt,
  expireJob,
  handleRequest,
  runSubmission,
} from "../../../../shared/gateway/index.ts";
import { FIRST_CURSOR, MAKING_MS } from "../../../../shared/jobs/index.ts";
import {
  createGateway,
  fakeEngine,
  requestTo,
  type TestGateway,
} from "../../../support/gateway.ts";
import { bodyOf } from "../../../support/streams.ts";

const ASYNC = [["S7PAsyncMode", "true"]] as const;
const KEYED = [...ASYNC, ["Idempotency-Key", "once"]] as const;
const FIRST = { jobId: "request-1", attempt: 1, epoch: 0 };
const EARLY_LOOK = { ...FIRST, look: { isFirst: true, isLate: false } };
const LATE_LOOK = { ...FIRST, look: { isFirst: true, isLate: true } };
const UNMADE = { attempt: 1, isFinal: false, isUnmade: true };
const patiently = { timeout: 20_000 };

const ask = (
  gateway: TestGateway,
  engine = fakeEngine(),
  headers: typeof ASYNC | typeof KEYED = ASYNC,
) => handleRequest(gateway.services, requestTo(gateway, { headers }), engine);

/** The engine of an earlier try, which has not ended. */
function knownEngine() {
  const engine = fakeEngine();
  engine.start.mockResolvedValue(false);
  return engine;
}

/** A gateway that is killed once the engine has started, before the row of the job. */
async function killedBeforeRow(headers: typeof ASYNC | typeof KEYED = ASYNC): Promise<TestGateway> {
  const gateway = createGateway();
  const killed = fakeEngine();
  killed.start.mockImplementation(() => new Promise(() => {}));
  void ask(gateway, killed, headers);
  await expect.poll(() => killed.start.mock.calls.length, patiently).toBe(1);
  return gateway;
}

const messagesIn = ({ bus }: TestGateway) => bus.sent.map(({ message }) => message.messageId);

describe("a job whose maker was killed between its engine and its row", () => {
  it("is looked for, given up when it can no more come, and forgotten with its engine", async () => {
    const gateway = await killedBeforeRow();
    const { services, clock } = gateway;
    expect(await checkAttempt(services, EARLY_LOOK)).toEqual(UNMADE);
    expect(gateway.table.rows.size).toBe(0);
    expect(await checkAttempt(services, LATE_LOOK)).toEqual({ attempt: 1, isFinal: true });
    // A maker that only slept cannot store it any more, and promises nothing.
    const job = {
      id: "request-1",
      owner: "o",
      priority: 2,
      createdAt: 0,
      expiresAt: 1,
      request: "",
    };
    expect(await services.jobs?.store.insert(job)).toBe(false);
    expect(messagesIn(gateway)).toEqual([]);
    await services.jobs?.store.remove("request-1");
    expect([...gateway.table.rows.keys()].filter((key) => key.startsWith("request-1"))).toEqual([]);
    expect(clock.now()).toBeGreaterThan(0);
  });

  it("is given up when its time is over, and not ended as a job that nobody has asked for", async () => {
    const { services } = await killedBeforeRow();
    expect(await expireJob(services, { ...FIRST, expiresAt: 1 })).toBeNull();
    expect(await services.jobs?.store.hasEnded("request-1")).toBe(false);
    expect(await services.jobs?.store.givenUp("request-1")).toBeDefined();
  });

  it("is made by a repetition with its key, under the engine that waits for it", async () => {
    const gateway = await killedBeforeRow(KEYED);
    expect((await ask(gateway, knownEngine(), KEYED)).status).toBe(202);
    await expect.poll(() => messagesIn(gateway), patiently).toEqual(["job-request-1-1"]);
    expect(await checkAttempt(gateway.services, LATE_LOOK)).toBeNull();
  });

  it("is not made under an engine that has given it up and not ended, but under the next", async () => {
    const gateway = await killedBeforeRow(KEYED);
    await checkAttempt(gateway.services, LATE_LOOK);
    expect((await ask(gateway, knownEngine(), KEYED)).status).toBe(503);
    expect((await ask(gateway, fakeEngine(), KEYED)).status).toBe(202);
    await expect.poll(() => messagesIn(gateway), patiently).toEqual(["job-request-1-1"]);
  });

  it("is not made by a maker that slept until its own engine may have given it up", async () => {
    const gateway = await killedBeforeRow(KEYED);
    await checkAttempt(gateway.services, LATE_LOOK);
    const engine = fakeEngine();
    engine.start.mockImplementation(async () => {
      await gateway.clock.advance(MAKING_MS);
      return true;
    });
    expect((await ask(gateway, engine, KEYED)).status).toBe(503);
  });

  it("is not made by one who saw an older mark than that of the engine that went last", async () => {
    const gateway = await killedBeforeRow(KEYED);
    const { services } = gateway;
    await checkAttempt(services, LATE_LOOK);
    const mark = (await services.jobs?.store.givenUp("request-1")) ?? "";
    await checkAttempt(services, LATE_LOOK);
    await services.jobs?.store.takeUp("request-1", mark);
    expect(await services.jobs?.store.givenUp("request-1")).not.toBe(mark);
  });

  it("lives as long as the repetition says that made it", async () => {
    const gateway = await killedBeforeRow();
    const expiresAt = gateway.clock.now() + 5000;
    const response = await handleRequest(
      gateway.services,
      requestTo(gateway, { headers: [...ASYNC, ["S7PTTL", "60"]] }),
      knownEngine(),
    );
    expect(response.status).toBe(202);
    const later = gateway.clock.now() + 60_000;
    expect(await expireJob(gateway.services, { ...FIRST, expiresAt })).toBe(later);
    expect(await gateway.services.jobs?.store.hasEnded("request-1")).toBe(false);
    await expireJob(gateway.services, { ...FIRST, expiresAt: later });
    expect(await gateway.services.jobs?.store.hasEnded("request-1")).toBe(true);
  });

  it("keeps the engine of a batch waiting, too, until it can no more come", async () => {
    const gateway = createGateway();
    const killed = fakeEngine();
    killed.start.mockImplementation(() => new Promise(() => {}));
    const line = JSON.stringify({ custom_id: "a", method: "POST", url: "/chat", body: {} });
    const query = { id: "", headers: [], target: "/jobs/batch", body: bodyOf(line) };
    void acceptBatch(gateway.services, { ...query, engine: killed });
    await expect.poll(() => killed.start.mock.calls.length, patiently).toBe(1);
    const jobId = String(killed.start.mock.calls[0]?.[0]);
    const look = { jobId, cursor: FIRST_CURSOR };
    const early = await advanceBatch(gateway.services, { ...look, isLate: false });
    expect(early).toEqual(FIRST_CURSOR);
    const late = await advanceBatch(gateway.services, { ...look, isLate: true });
    expect(late).toEqual({ ...FIRST_CURSOR, isOver: true });
  });
});

describe("a job that was stored and not sent on its way", () => {
  it("is sent at the first look of its orchestrator, and only then", async () => {
    const gateway = createGateway();
    gateway.bus.sendError = new Error("away");
    expect((await ask(gateway)).status).toBe(202);
    const failed = () => gateway.events.map(({ event }) => event);
    await expect.poll(failed, patiently).toContain("job.placement.failed");
    gateway.bus.sendError = undefined;
    expect(await checkAttempt(gateway.services, EARLY_LOOK)).toBeNull();
    expect(messagesIn(gateway)).toEqual(["job-request-1-1"]);
    const later = { ...FIRST, look: { isFirst: false, isLate: false } };
    await checkAttempt(gateway.services, later);
    expect(messagesIn(gateway)).toEqual(["job-request-1-1"]);
  });

  it("came by the bus, and is sent on its way like any other", async () => {
    const gateway = createGateway();
    const delivery = {
      message: { id: "order-1", user: "ann", path: "/x", body: "q" },
      messageId: "m",
      correlationId: undefined,
      lockToken: "l",
      enqueuedAt: gateway.clock.now(),
      expiresAt: gateway.clock.now() + 600_000,
      properties: {},
    };
    await runSubmission(gateway.services, delivery, fakeEngine());
    await expect.poll(() => messagesIn(gateway), patiently).toEqual(["job-order-1-1"]);
  });

  it("is waited for by a process that is told to end while it sends", async () => {
    const gateway = createGateway();
    let sent = (): void => {};
    gateway.bus.send = () => new Promise<void>((resolve) => (sent = resolve));
    await ask(gateway);
    let isClosed = false;
    const closing = gateway.services.jobs?.detached.close().then(() => (isClosed = true));
    await new Promise((done) => setImmediate(done));
    expect(isClosed).toBe(false);
    sent();
    await closing;
  });
});
