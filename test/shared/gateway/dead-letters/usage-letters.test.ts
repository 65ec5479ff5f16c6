import { describe, expect, it } from "vitest";
import {
  countUsage,
  listDeadLetters,
  type Services,
  settleDeadLetters,
} from "../../../../shared/gateway/index.ts";
import type { LedgerRow } from "../../../../shared/ledger/index.ts";
import { toUsageMessages } from "../../../../shared/ledger/index.ts";
import { emitTo, MetricBook, measureRecords } from "../../../../shared/telemetry/index.ts";
import { createGateway, type TestGateway } from "../../../support/gateway.ts";
import { MemoryQueue } from "../../../support/memory-queue.ts";
import { USED_AT, usageEvent } from "../../../support/usage-events.ts";

const KEY = "operator";
const headers = [["x-operator-key", KEY]] as const;
const QUEUE = "gateway-usage";
const DAY_MS = 86_400_000;

/** A gateway whose two queues of usage are at hand. */
function open() {
  const gateway = createGateway({ OperatorKeys: KEY });
  const [queue, poison] = [new MemoryQueue(), new MemoryQueue()];
  const { usage } = gateway.services;
  const services: Services = { ...gateway.services, usage: { ...usage, queue, poison } };
  return { gateway, services, queue, poison };
}

const message = (...events: readonly object[]): string =>
  JSON.stringify({ version: 1, id: "m1", events });
const GOOD = usageEvent({ id: "good" });
const WRONG = { ...usageEvent({ id: "wrong" }), tokens: { inputTokens: -5 } };

async function countedIn({ services }: TestGateway): Promise<number> {
  const span = { fromAt: USED_AT - DAY_MS, beforeAt: USED_AT + DAY_MS };
  const rows: LedgerRow[] = [];
  for await (const page of services.usage.ledger?.read(span) ?? []) rows.push(...page);
  return rows.reduce((sum, { events }) => sum + events, 0);
}

const jsonOf = ({ body }: { body?: unknown }): unknown =>
  JSON.parse(Buffer.from(body as Uint8Array).toString());
const list = async (services: Services): Promise<object[]> => {
  const target = `/operations/dead-letters?queue=${QUEUE}&body=true`;
  const answer = jsonOf(await listDeadLetters(services, { headers, target }));
  return (answer as { deadLetters: object[] }).deadLetters;
};
const settle = (services: Services, action: "redrive" | "discard", sequenceNumber?: string) =>
  settleDeadLetters(services, { headers, target: "/", queue: QUEUE, action, sequenceNumber });

describe("usage that can never be counted", () => {
  it("is the jobs app's: where there are no queues it is neither shown nor dealt with", async () => {
    const { waitingRoom: _, ...services } = { ...open().services };
    const stream = services as Services;
    const code = { code: "async-unavailable" };
    await expect(list(stream)).rejects.toMatchObject(code);
    await expect(settle(stream, "redrive")).rejects.toMatchObject(code);
    await expect(settle(stream, "discard", "1")).rejects.toMatchObject(code);
  });

  it("is put aside and told of, and keeps nothing else from being counted", async () => {
    const { gateway, services, poison } = open();
    await countUsage(services, message(GOOD, WRONG, usageEvent({ id: "other" })));
    expect(await countedIn(gateway)).toBe(2);
    expect(poison.texts.map(({ text }) => JSON.parse(text) as object)).toEqual([
      { version: 2, id: "m1/poison", oldestAt: USED_AT, sums: [], events: [WRONG] },
    ]);
    const book = new MetricBook({ usesLatestNames: false });
    const emit = emitTo([measureRecords(book, { maxModels: 1, maxUsers: 1 })]);
    for (const event of gateway.events) emit(event);
    const problems = book
      .read()
      .find(({ definition }) => definition.name === "simplel7proxy.ledger.problems");
    expect(problems?.points).toEqual([
      { attributes: { "simplel7proxy.reason": "poisoned" }, value: 1 },
    ]);
  });

  it("is a sum as well as an event", async () => {
    const { gateway, services, poison } = open();
    const sent = toUsageMessages([GOOD, usageEvent({ id: "x", user: "bob" })], () => "m1");
    const { sums, ...rest } = JSON.parse(sent[0]?.text ?? "") as { sums: [object, object] };
    const wrong = { ...sums[1], totalTokens: 0.5 };
    await countUsage(services, JSON.stringify({ ...rest, sums: [sums[0], wrong] }));
    expect(await countedIn(gateway)).toBe(1);
    const [aside] = poison.texts;
    expect(JSON.parse(aside?.text ?? "")).toEqual({
      ...{ version: 2, id: "m1/poison", oldestAt: USED_AT, sums: [wrong], events: [] },
    });
    const mended = JSON.stringify({ ...JSON.parse(aside?.text ?? ""), sums: [sums[1]] });
    for (let times = 0; times < 2; times++) await countUsage(services, mended);
    expect(await countedIn(gateway)).toBe(2);
  });

  it.each([["no JSON"], ['{"version":1}'], ["[]"]])("is put aside whole: %s", async (text) => {
    const { gateway, services, poison } = open();
    await countUsage(services, text);
    expect(poison.texts.map((each) => each.text)).toEqual([text]);
    expect(await countedIn(gateway)).toBe(0);
  });

  it("comes again while it cannot be put aside, and counts the rest once", async () => {
    const { gateway, services, poison } = open();
    poison.isAway = true;
    await expect(countUsage(services, message(GOOD, WRONG))).rejects.toThrow("away");
    poison.isAway = false;
    await countUsage(services, message(GOOD, WRONG));
    expect([await countedIn(gateway), poison.texts.length]).toEqual([1, 1]);
  });

  it("is no such thing when a newer app has sent it: it comes again", async () => {
    const { services, poison } = open();
    const newer = JSON.stringify({ version: 4, id: "m1", events: [{}] });
    await expect(countUsage(services, newer)).rejects.toThrow("version 4");
    expect(poison.texts).toEqual([]);
  });
});

describe("the dead letters of usage", () => {
  it("say what is wrong with them, for operators", async () => {
    const { services } = open();
    await countUsage(services, message(WRONG));
    const [letter] = await list(services);
    expect(letter).toMatchObject({
      queue: QUEUE,
      sequenceNumber: expect.stringMatching(/^\d+$/),
      reason: "uncounted",
      description: expect.stringContaining("inputTokens"),
      content: { events: [{ id: "wrong", user: "ann" }] },
    });
    const target = `/operations/dead-letters?queue=${QUEUE}`;
    await expect(listDeadLetters(services, { headers: [], target })).rejects.toThrow();
  });

  it("are not sent again while they still cannot be counted, and can be discarded", async () => {
    const { services, queue, poison } = open();
    await countUsage(services, message(WRONG));
    const [letter] = (await list(services)) as { sequenceNumber: string }[];
    const number = letter?.sequenceNumber ?? "";
    await expect(settle(services, "redrive", number)).rejects.toThrow(/cannot be counted/);
    expect([queue.texts.length, (await list(services)).length]).toEqual([0, 1]);
    expect((await settle(services, "discard", number)).status).toBe(200);
    expect(poison.texts).toEqual([]);
    await expect(settle(services, "discard", number)).rejects.toThrow(/no such dead letter/);
  });

  it("count once when they are sent again, also what had been counted before they came here", async () => {
    const { gateway, services, queue, poison } = open();
    const events = Array.from({ length: 3 }, (_, n) => usageEvent({ id: `e${n}` }));
    const [counted] = toUsageMessages(events, () => "m2");
    const text = counted?.text ?? "";
    await countUsage(services, text);
    // The platform has put it here after too many failures, which came after it had been counted.
    for (const each of [text, message(GOOD)]) await poison.send(each);
    const { gone, kept } = jsonOf(await settle(services, "redrive")) as Record<string, number>;
    expect([gone, kept, poison.texts.length]).toEqual([2, 0, 0]);
    for (const each of [...queue.texts]) await countUsage(services, each.text);
    expect(await countedIn(gateway)).toBe(4);
  });
});
