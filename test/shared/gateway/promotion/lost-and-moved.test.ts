import { describe, expect, it } from "vitest";
import { checkAttempt, handleRequest, moveJob } from "../../../../shared/gateway/index.ts";
import {
  createGateway,
  fakeEngine,
  requestTo,
  type TestGateway,
} from "../../../support/gateway.ts";
import { run } from "../../../support/lane-messages.ts";
import { bodyOf } from "../../../support/streams.ts";

const ID = "request-1";
const REF = { jobId: ID, attempt: 1, epoch: 0 };
const eventually = { timeout: 20_000 };

/** A request that is promoted while it waits in its lane, and behind what happens `meanwhile`. */
async function promoted(
  gateway: TestGateway,
  { engine = fakeEngine(), meanwhile = async () => {} } = {},
) {
  const headers = [["S7PAsyncMode", "true"]] as const;
  const request = requestTo(gateway, { headers, body: "question" });
  const serving = handleRequest(gateway.services, request, engine);
  await expect.poll(() => gateway.clock.pending, eventually).toBeGreaterThan(0);
  await meanwhile();
  await gateway.clock.advance(1000);
  expect((await serving).status).toBe(202);
}

const open = (): TestGateway =>
  createGateway({ AsyncTriggerTimeout: "1000", GATEWAY_SYNC_MODE: "queued" });

describe("a request that was promoted while its message was on its way to its lane", () => {
  it("is sent by its orchestrator as the same message, which the lane drops if it has it", async () => {
    const gateway = open();
    const { bus } = gateway;
    const sending = Promise.withResolvers<never>();
    sending.promise.catch(() => {});
    const send = bus.send.bind(bus);
    let attempted: unknown;
    bus.send = (_, message) => {
      attempted = message.messageId;
      return sending.promise;
    };
    await promoted(gateway);
    bus.send = send;
    sending.reject(new Error("The bus was away."));
    await checkAttempt(gateway.services, { ...REF, look: { isFirst: true, isLate: false } });
    expect(bus.sent).toMatchObject([
      { queue: "lane-standard", message: { messageId: attempted, body: { kind: "job", id: ID } } },
    ]);
    gateway.backends.answer(200);
    await run(gateway, bus.sent[0]?.message.body);
    expect((await gateway.services.jobs?.store.read(ID))?.outcome?.state).toBe("succeeded");
  });
});

describe("a request that was promoted, and moved to another lane while a worker ran it", () => {
  it("ends where it was moved to: the engine is not told that it has ended", async () => {
    const gateway = open();
    const engine = fakeEngine();
    gateway.backends.silence();
    let running: Promise<unknown> | undefined;
    const meanwhile = async (): Promise<void> => {
      await expect.poll(() => gateway.bus.sent.length, eventually).toBe(1);
      running = run(gateway, gateway.bus.sent[0]?.message.body, { engine });
      await expect.poll(() => gateway.backends.calls.length, eventually).toBe(1);
    };
    await promoted(gateway, { engine, meanwhile });
    await moveJob(gateway.services, {
      id: ID,
      headers: [],
      target: `/jobs/${ID}`,
      engine,
      body: bodyOf('{"priority":3}'),
    });
    await gateway.clock.advance(2000);
    await running;
    expect(gateway.backends.calls[0]?.signal.aborted).toBe(true);
    expect(engine.signal.mock.calls).toEqual([[ID, { attempt: 1, isFinal: false, epoch: 1 }]]);
  });
});
