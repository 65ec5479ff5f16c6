import { describe, expect, it } from "vitest";
import { headerValue } from "../../../../shared/core/headers.ts";
import { checkAttempt, handleRequest } from "../../../../shared/gateway/index.ts";
import {
  createGateway,
  fakeEngine,
  requestTo,
  type TestGateway,
} from "../../../support/gateway.ts";
import { run } from "../../../support/lane-messages.ts";
import { textOf } from "../../../support/streams.ts";

const ASYNC = [["S7PAsyncMode", "true"]] as const;
const ID = "request-1";

const open = (mode: string): TestGateway =>
  createGateway({ AsyncTriggerTimeout: "1000", GATEWAY_SYNC_MODE: mode });

function begin(gateway: TestGateway, engine = fakeEngine(), closed = new AbortController()) {
  const request = requestTo(gateway, { headers: ASYNC, body: "question", closed: closed.signal });
  return handleRequest(gateway.services, request, engine);
}

const snapshotOf = ({ services }: TestGateway) => services.jobs?.store.read(ID);

/** A backend call that a test answers. */
function heldCall({ backends }: TestGateway): (status?: number) => void {
  const held = Promise.withResolvers<number>();
  backends.answers.push(({ signal }) => {
    const left = Promise.withResolvers<never>();
    signal.addEventListener("abort", () => left.reject(signal.reason), { once: true });
    const answer = held.promise.then((status) => ({
      status,
      headers: [],
      body: (async function* () {
        yield Buffer.from("late");
      })(),
      discard: () => {},
    }));
    return Promise.race([answer, left.promise]);
  });
  return (status = 200) => held.resolve(status);
}

const eventually = { timeout: 20_000 };

describe("work in process that is promoted", () => {
  it("goes on, and its answer is the job's result", async () => {
    const gateway = open("direct");
    const engine = fakeEngine();
    const answer = heldCall(gateway);
    const serving = begin(gateway, engine);
    await expect.poll(() => gateway.backends.calls.length, eventually).toBe(1);
    await gateway.clock.advance(1000);
    const response = await serving;
    expect([response.status, headerValue(response.headers, "location")]).toEqual([
      202,
      `/jobs/${ID}`,
    ]);
    expect(engine.start).toHaveBeenCalledExactlyOnceWith(
      ID,
      expect.objectContaining({ jobId: ID, isInFlight: true }),
    );
    expect(await snapshotOf(gateway)).toMatchObject({ attempts: 1, outcome: undefined });
    answer();
    await expect
      .poll(async () => (await snapshotOf(gateway))?.outcome?.state, eventually)
      .toBe("succeeded");
    expect(engine.signal).toHaveBeenCalledWith(ID, { attempt: 1, isFinal: true });
    expect(gateway.backends.calls).toHaveLength(1);
    expect(gateway.services.slots.snapshot().running).toBe(0);
  });

  it("is promoted before the platform's wall though it did not ask, and lives as long as jobs do", async () => {
    const gateway = createGateway({ GATEWAY_JOBS_WALL_SECONDS: "10", GATEWAY_SYNC_MODE: "direct" });
    const answer = heldCall(gateway);
    const request = requestTo(gateway, { body: "question" });
    const serving = handleRequest(gateway.services, request, fakeEngine());
    await expect.poll(() => gateway.backends.calls.length, eventually).toBe(1);
    await gateway.clock.advance(10_000);
    expect((await serving).status).toBe(202);
    // Longer than the request would have lived.
    for (let minutes = 0; minutes < 10; minutes++) await gateway.clock.advance(60_000);
    answer();
    await expect
      .poll(async () => (await snapshotOf(gateway))?.outcome?.state, eventually)
      .toBe("succeeded");
  });

  it("outlives its client, who may leave with the 202", async () => {
    const gateway = open("direct");
    const answer = heldCall(gateway);
    const closed = new AbortController();
    const serving = begin(gateway, fakeEngine(), closed);
    await expect.poll(() => gateway.backends.calls.length, eventually).toBe(1);
    await gateway.clock.advance(1000);
    expect((await serving).status).toBe(202);
    closed.abort(new Error("The client left."));
    answer();
    await expect
      .poll(async () => (await snapshotOf(gateway))?.outcome?.state, eventually)
      .toBe("succeeded");
  });

  it("ends with a client that leaves before", async () => {
    const gateway = open("direct");
    heldCall(gateway);
    const closed = new AbortController();
    const serving = begin(gateway, fakeEngine(), closed);
    await expect.poll(() => gateway.backends.calls.length, eventually).toBe(1);
    closed.abort(new Error("The client left."));
    await serving;
    expect(gateway.backends.calls[0]?.signal.aborted).toBe(true);
    expect(gateway.table.rows.size).toBe(0);
  });

  it("is given up by the orchestrator when its instance has not said for long that it lives", async () => {
    const gateway = open("direct");
    heldCall(gateway);
    const serving = begin(gateway);
    await expect.poll(() => gateway.backends.calls.length, eventually).toBe(1);
    await gateway.clock.advance(1000);
    await serving;
    const ref = { jobId: ID, attempt: 1, epoch: 0, look: { isFirst: false, isLate: false } };
    for (let beats = 0; beats < 60; beats++) await gateway.clock.advance(2000);
    expect(await checkAttempt(gateway.services, ref)).toBeNull();
    await gateway.services.jobs?.store.renewLease(ID, {
      attempt: 1,
      until: gateway.clock.now() - 1,
    });
    expect(await checkAttempt(gateway.services, ref)).toEqual({
      attempt: 1,
      isFinal: false,
      retryAfterMs: 0,
    });
    expect((await snapshotOf(gateway))?.history[0]?.end?.reason).toBe("instance-lost");
  });

  it("is handed to a lane when its instance ends", async () => {
    const gateway = open("direct");
    const engine = fakeEngine();
    heldCall(gateway);
    const serving = begin(gateway, engine);
    await expect.poll(() => gateway.backends.calls.length, eventually).toBe(1);
    await gateway.clock.advance(1000);
    await serving;
    await gateway.services.jobs?.detached.close();
    expect(gateway.backends.calls[0]?.signal.aborted).toBe(true);
    expect((await snapshotOf(gateway))?.history[0]?.end?.reason).toBe("instance-stopped");
    expect(engine.signal).toHaveBeenCalledWith(ID, expect.objectContaining({ retryAfterMs: 0 }));
  });

  it("V108: is answered in the ordinary way when the storage refuses at the trigger", async () => {
    const gateway = open("direct");
    const answer = heldCall(gateway);
    const serving = begin(gateway);
    await expect.poll(() => gateway.backends.calls.length, eventually).toBe(1);
    gateway.table.isAway = true;
    await gateway.clock.advance(5000);
    answer();
    const response = await serving;
    expect([response.status, await textOf(response.body)]).toEqual([200, "late"]);
    expect(gateway.events.map(({ event }) => event)).toContain("job.promotion.failed");
  });
});

describe("work in a lane that is promoted", () => {
  async function enqueued(gateway: TestGateway, engine = fakeEngine()) {
    const serving = begin(gateway, engine);
    await expect.poll(() => gateway.bus.sent.length, eventually).toBe(1);
    return { serving, message: gateway.bus.sent[0]?.message.body };
  }

  it("is the job's first attempt when its turn comes", async () => {
    const gateway = open("queued");
    const engine = fakeEngine();
    const { serving, message } = await enqueued(gateway, engine);
    await gateway.clock.advance(1000);
    expect((await serving).status).toBe(202);
    gateway.backends.answer(200, "result");
    await run(gateway, message, { engine });
    expect((await snapshotOf(gateway))?.outcome).toMatchObject({ state: "succeeded", attempt: 1 });
    expect(engine.signal).toHaveBeenCalledWith(ID, { attempt: 1, isFinal: true });
    expect(gateway.bus.sent.filter(({ queue }) => queue === "replies")).toEqual([]);
  });

  it("is run as the job's attempt though an instance tells that its client has left", async () => {
    const gateway = open("queued");
    const { serving, message } = await enqueued(gateway);
    await gateway.clock.advance(1000);
    expect((await serving).status).toBe(202);
    gateway.services.fairShare.left.replaceRemote([ID]);
    gateway.backends.answer(200, "result");
    await run(gateway, message);
    expect((await snapshotOf(gateway))?.outcome).toMatchObject({ state: "succeeded", attempt: 1 });
  });

  it("becomes the job's first attempt while it runs", async () => {
    const gateway = open("queued");
    const { serving, message } = await enqueued(gateway);
    const answer = heldCall(gateway);
    const running = run(gateway, message);
    await expect.poll(() => gateway.backends.calls.length, eventually).toBe(1);
    await gateway.clock.advance(1000);
    expect((await serving).status).toBe(202);
    await gateway.clock.advance(2000);
    await expect.poll(async () => (await snapshotOf(gateway))?.attempts, eventually).toBe(1);
    answer();
    await running;
    expect((await snapshotOf(gateway))?.outcome?.state).toBe("succeeded");
    expect(gateway.backends.calls).toHaveLength(1);
  });

  it("commits for the job what it had sent as a reply when the promotion was first", async () => {
    const gateway = open("queued");
    const { serving, message } = await enqueued(gateway);
    gateway.backends.answer(200, "result");
    // The promotion comes between the worker's look and its note, as another instance's may.
    gateway.bus.onSend = (queue) => {
      if (queue === "replies") void gateway.clock.advance(1000);
    };
    const store = gateway.services.jobs?.store;
    const note = store?.noteAnswered.bind(store);
    if (store && note) {
      store.noteAnswered = async (...args) => {
        await serving;
        return note(...args);
      };
    }
    await run(gateway, message);
    expect((await serving).status).toBe(202);
    const outcome = (await snapshotOf(gateway))?.outcome;
    expect(outcome).toMatchObject({ state: "succeeded", result: { status: 200, sizeBytes: 6 } });
    expect(gateway.backends.calls).toHaveLength(1);
  });

  it("is no job any more once its reply was sent", async () => {
    const gateway = open("queued");
    const engine = fakeEngine();
    const { serving, message } = await enqueued(gateway, engine);
    gateway.backends.answer(200, "result");
    await run(gateway, message);
    await gateway.clock.advance(5000);
    expect(engine.signal).toHaveBeenCalledWith(ID, { attempt: 1, isFinal: true });
    expect(await snapshotOf(gateway)).toBeUndefined();
    const reply = gateway.bus.sent.find(({ queue }) => queue === "replies");
    await gateway.bus.sessions[0]?.deliver(reply?.message.body);
    expect((await serving).status).toBe(200);
  });

  it("V108: waits for its reply when the storage refuses at the trigger, and tries again", async () => {
    const gateway = open("queued");
    const engine = fakeEngine();
    const { serving } = await enqueued(gateway, engine);
    gateway.table.isAway = true;
    await gateway.clock.advance(3000);
    expect(gateway.events.map(({ event }) => event)).toContain("job.promotion.failed");
    gateway.table.isAway = false;
    await gateway.clock.advance(2000);
    expect((await serving).status).toBe(202);
  });

  it("starts the engine again when that failed, and makes no second job", async () => {
    const gateway = open("queued");
    const engine = fakeEngine();
    engine.start.mockRejectedValueOnce(new Error("The engine is away."));
    const { serving } = await enqueued(gateway, engine);
    await gateway.clock.advance(1000);
    await gateway.clock.advance(2000);
    expect((await serving).status).toBe(202);
    expect(engine.start).toHaveBeenCalledTimes(2);
  });
});
