import { describe, expect, it } from "vitest";
import {
  acceptBatch,
  handleRequest,
  resumeStarts,
  runSubmission,
} from "../../../shared/gateway/index.ts";
import { createGateway, fakeEngine, requestTo, type TestGateway } from "../../support/gateway.ts";
import { bodyOf } from "../../support/streams.ts";

const ASYNC = [["S7PAsyncMode", "true"]] as const;

/** An engine of a process that is killed when it is to start a job. */
function killedEngine() {
  const engine = fakeEngine();
  engine.start.mockImplementation(() => new Promise(() => {}));
  return engine;
}

/** A moment later than anybody who lives would need to start what they noted. */
async function later({ clock }: TestGateway): Promise<void> {
  await clock.advance(60_000);
}

const notesOf = ({ services, clock }: TestGateway) =>
  services.jobs?.store.starting(clock.now() + 1, 100);

describe("a job whose maker was killed before it could start the engine", () => {
  it("is begun by whoever finds the note, as it would have been, and only once", async () => {
    const gateway = createGateway();
    const killed = killedEngine();
    const request = requestTo(gateway, { id: "job-1", headers: ASYNC });
    void handleRequest(gateway.services, request, killed);
    await expect.poll(() => killed.start.mock.calls.length, { timeout: 20_000 }).toBe(1);
    await later(gateway);
    const engine = fakeEngine();
    await resumeStarts(gateway.services, engine);
    await resumeStarts(gateway.services, engine);
    expect(engine.start.mock.calls).toEqual([killed.start.mock.calls[0]]);
    expect(gateway.events).toContainEqual(expect.objectContaining({ event: "jobs.resumed" }));
  });

  it("is left to its maker while that may still be at it", async () => {
    const gateway = createGateway();
    const killed = killedEngine();
    void handleRequest(gateway.services, requestTo(gateway, { headers: ASYNC }), killed);
    await expect.poll(() => killed.start.mock.calls.length, { timeout: 20_000 }).toBe(1);
    const engine = fakeEngine();
    await resumeStarts(gateway.services, engine);
    expect(engine.start).not.toHaveBeenCalled();
  });

  it("is begun though it came by the bus, or is a batch", async () => {
    const gateway = createGateway();
    const killed = killedEngine();
    const body = { id: "order-1", user: "ann", path: "/x", body: "q" };
    const delivery = {
      message: body,
      messageId: "m",
      correlationId: undefined,
      lockToken: "l",
      enqueuedAt: gateway.clock.now(),
      expiresAt: gateway.clock.now() + 600_000,
      properties: {},
    };
    void runSubmission(gateway.services, delivery, killed);
    const line = JSON.stringify({ custom_id: "a", method: "POST", url: "/chat", body: {} });
    const query = { id: "", headers: [], target: "/jobs/batch", body: bodyOf(line) };
    void acceptBatch(gateway.services, { ...query, engine: killed });
    await expect.poll(() => killed.start.mock.calls.length, { timeout: 20_000 }).toBe(2);
    await later(gateway);
    const engine = fakeEngine();
    await resumeStarts(gateway.services, engine);
    const byId = ([a]: readonly unknown[], [b]: readonly unknown[]) =>
      String(a).localeCompare(String(b));
    expect(engine.start.mock.calls.toSorted(byId)).toEqual(killed.start.mock.calls.toSorted(byId));
  });

  it("is not looked for where the start was made, and forgotten where no job came of it", async () => {
    const gateway = createGateway();
    const engine = fakeEngine();
    await handleRequest(gateway.services, requestTo(gateway, { headers: ASYNC }), engine);
    await expect.poll(() => notesOf(gateway), { timeout: 20_000 }).toEqual([]);
    engine.start.mockRejectedValue(new Error("away"));
    const refused = requestTo(gateway, { id: "job-2", headers: ASYNC });
    expect((await handleRequest(gateway.services, refused, engine)).status).toBe(500);
    expect(await notesOf(gateway)).toEqual([]);
    const input = { jobId: "job-3", expiresAt: 1, maxAttempts: 1, reconcileMs: 1 };
    await gateway.services.jobs?.store.noteStarting("job-3", { input, notedAt: 0 });
    await later(gateway);
    const next = fakeEngine();
    await resumeStarts(gateway.services, next);
    expect(next.start).not.toHaveBeenCalled();
    expect(await notesOf(gateway)).toEqual([]);
  });

  it("stays noted while the engine refuses", async () => {
    const gateway = createGateway();
    const killed = killedEngine();
    void handleRequest(gateway.services, requestTo(gateway, { headers: ASYNC }), killed);
    await expect.poll(() => killed.start.mock.calls.length, { timeout: 20_000 }).toBe(1);
    await later(gateway);
    const engine = fakeEngine();
    engine.start.mockRejectedValueOnce(new Error("away"));
    await resumeStarts(gateway.services, engine);
    expect(gateway.events.map(({ event }) => event)).toContain("jobs.resume.failed");
    await resumeStarts(gateway.services, engine);
    expect(engine.start).toHaveBeenCalledTimes(2);
    expect(await notesOf(gateway)).toEqual([]);
  });
});
