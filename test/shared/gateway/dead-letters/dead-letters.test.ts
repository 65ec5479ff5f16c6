import { describe, expect, it } from "vitest";
import {
  DeadLetterWatch,
  listDeadLetters,
  settleDeadLetters,
} from "../../../../shared/gateway/index.ts";
import { createGateway, fakeEngine, type TestGateway } from "../../../support/gateway.ts";
import { acceptedJob, envelopeFor } from "../../../support/lane-messages.ts";

const KEY = "operator";
const headers = [["x-operator-key", KEY]] as const;
const open = () => createGateway({ OperatorKeys: KEY });
const outcomeOf = async ({ services }: TestGateway) =>
  (await services.jobs?.store.read("job-1"))?.outcome;

const settle = (
  { services }: TestGateway,
  ref: { action?: "redrive" | "discard"; queue: string; sequenceNumber?: string },
) =>
  settleDeadLetters(services, {
    headers,
    target: "/",
    action: "redrive",
    sequenceNumber: undefined,
    ...ref,
  });

const jsonOf = (body: unknown): unknown => JSON.parse(Buffer.from(body as Uint8Array).toString());

describe("the watch over dead letters", () => {
  it("ends the job that waits for one, once, and leaves the letter", async () => {
    const gateway = open();
    const engine = fakeEngine();
    const letters = gateway.bus.lettersOf("lane-standard");
    letters.add(await acceptedJob(gateway));
    const watch = new DeadLetterWatch();
    await watch.sweep(gateway.services, engine);
    expect(await outcomeOf(gateway)).toMatchObject({
      state: "failed",
      error: { code: "delivery-failed" },
    });
    await watch.sweep(gateway.services, engine);
    expect(engine.signal).toHaveBeenCalledExactlyOnceWith("job-1", { attempt: 1, isFinal: true });
    expect(letters.letters).toHaveLength(1);
  });

  it("leaves a job whose message is another by now", async () => {
    const gateway = open();
    const letters = gateway.bus.lettersOf("lane-standard");
    letters.add(await acceptedJob(gateway));
    await gateway.services.jobs?.store.move("job-1", { attempt: 1, epoch: 0 }, 3);
    await new DeadLetterWatch().sweep(gateway.services, fakeEngine());
    expect(await outcomeOf(gateway)).toBeUndefined();
  });

  it("ends a batch's line, once, and none of a batch that is over", async () => {
    const gateway = open();
    const letters = gateway.bus.lettersOf("lane-background");
    const batchOf = (jobId: string) => ({ jobId, piece: 0, line: 0, customId: "c0" });
    for (const jobId of ["batch-1", "batch-2"]) {
      const batch = batchOf(jobId);
      letters.add(envelopeFor(gateway, { kind: "line", id: `${jobId}-0`, batch }));
    }
    const { store, batches } = gateway.services.jobs ?? {};
    await store?.commitOutcome("batch-2", { state: "cancelled", endedAt: 1, attempt: 1 });
    for (let sweeps = 0; sweeps < 2; sweeps++) {
      await new DeadLetterWatch().sweep(gateway.services, fakeEngine());
    }
    const done = await batches?.readDone("batch-1", 0);
    expect(JSON.parse(done?.get(0)?.output ?? "")).toMatchObject({
      custom_id: "c0",
      error: { code: "delivery-failed" },
    });
    expect((await batches?.readDone("batch-2", 0))?.size).toBe(0);
    const told = gateway.events.filter(({ event }) => event === "dead-letter.wait-ended");
    expect(told.map(({ id }) => id)).toEqual(["batch-1-0"]);
  });

  it("answers the caller of a request who still waits, and nobody who does not", async () => {
    const gateway = open();
    const letters = gateway.bus.lettersOf("lane-standard-over");
    letters.add(envelopeFor(gateway));
    letters.add(envelopeFor(gateway, { id: "late", expiresAt: gateway.clock.now() }));
    letters.add("unreadable");
    await new DeadLetterWatch().sweep(gateway.services, fakeEngine());
    expect(gateway.bus.sent).toMatchObject([
      { queue: "replies", message: { body: { requestId: "request-1", status: 500 } } },
    ]);
  });

  it("tries again what it could not end", async () => {
    const gateway = open();
    gateway.bus.lettersOf("lane-standard").add(envelopeFor(gateway));
    const watch = new DeadLetterWatch();
    gateway.bus.sendError = new Error("away");
    await watch.sweep(gateway.services, fakeEngine());
    expect(gateway.events.map(({ event }) => event)).toContain("dead-letter.sweep.failed");
    gateway.bus.sendError = undefined;
    await watch.sweep(gateway.services, fakeEngine());
    expect(gateway.bus.sent).toHaveLength(1);
  });
});

describe("sending a dead letter again", () => {
  it("begins a submission anew, under an id that is the letter's own", async () => {
    const gateway = open();
    const letters = gateway.bus.lettersOf("submissions");
    const reason = { DeadLetterReason: "user-suspended", arrivedAt: 1, mine: "kept" };
    letters.add({ id: "order-1", user: "alice", path: "/" }, reason);
    const [letter] = letters.letters;
    await settle(gateway, { queue: "submissions", sequenceNumber: "1" });
    expect(letters.letters).toEqual([]);
    // As if its operator had died before it was gone: the same copy, which the queue drops.
    if (letter) letters.letters.push(letter);
    await settle(gateway, { queue: "submissions", sequenceNumber: "1" });
    const [first, second] = gateway.bus.sent.map(({ message }) => message);
    expect(first?.applicationProperties).toEqual({ mine: "kept" });
    expect(first?.messageId).toBe(second?.messageId);
    expect(first?.messageId).not.toBe("message-1");
  });

  it("begins a webhook's delivery anew", async () => {
    const gateway = open();
    const place = { jobId: "job-1", sequence: 1, target: 0 };
    gateway.bus.lettersOf("webhooks").add({ ...place, attempt: 9, firstAt: 1, failure: "gone" });
    await settle(gateway, { queue: "webhooks", sequenceNumber: "1" });
    const body = { ...place, attempt: 1, firstAt: gateway.clock.now() };
    expect(gateway.bus.sent[0]?.message.body).toEqual(body);
  });

  it("is refused for a job that has ended, and done for one that has not", async () => {
    const gateway = open();
    const letters = gateway.bus.lettersOf("lane-standard");
    const job = await acceptedJob(gateway);
    letters.add(job);
    letters.add(envelopeFor(gateway));
    const bulk = await settle(gateway, { queue: "lane-standard" });
    expect(jsonOf(bulk.body)).toMatchObject({ gone: 1, kept: 1 });
    expect(gateway.bus.sent).toMatchObject([{ queue: "lane-standard", message: { body: job } }]);
    await gateway.services.jobs?.store.commitOutcome("job-1", {
      state: "cancelled",
      endedAt: 1,
      attempt: 1,
    });
    letters.add(job);
    const refused = settle(gateway, { queue: "lane-standard", sequenceNumber: "2" });
    await expect(refused).rejects.toMatchObject({ code: "redrive-refused" });
  });

  it.each(["replies", "job-status:all"])("is refused for %s", async (queue) => {
    const gateway = open();
    gateway.bus.lettersOf(queue.split(":")[0] ?? "").add({});
    const refused = settle(gateway, { queue, sequenceNumber: "1" });
    await expect(refused).rejects.toMatchObject({ code: "redrive-refused" });
  });

  it("is told from what another operator holds, and from what is not there", async () => {
    const gateway = open();
    const letters = gateway.bus.lettersOf("submissions");
    letters.add({});
    await letters.receiveMessages(1);
    await expect(
      settle(gateway, { queue: "submissions", sequenceNumber: "1" }),
    ).rejects.toMatchObject({ code: "dead-letter-locked" });
    for (const sequenceNumber of ["2", "x", "-1"]) {
      await expect(settle(gateway, { queue: "submissions", sequenceNumber })).rejects.toMatchObject(
        {
          code: "dead-letter-not-found",
        },
      );
    }
  });
});

it("a list of dead letters refuses a query and a continuation that mean nothing", async () => {
  const { services } = open();
  for (const query of ["limit=0", "x=1", "continuation=%21", "continuation=bm9uZS8x"]) {
    const target = `/operations/dead-letters?${query}`;
    await expect(listDeadLetters(services, { headers, target })).rejects.toMatchObject({
      code: "bad-request",
    });
  }
});
