import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compareUse } from "../../local/reconcile/compare-use.ts";
import { LogReader } from "../../local/reconcile/log-reader.ts";
import {
  accounts,
  askUsage,
  callsOf,
  type LedgerWorld,
  largestError,
  startLedgerWorld,
} from "../support/ledger-world.ts";
import { sendAll } from "../support/mixed-requests.ts";
import { runByHand } from "../support/run-by-hand.ts";
import { OPERATOR_KEY } from "../support/stack.ts";

const REQUESTS = 160;
const WITHIN_MS = 90_000;
const MAX_ESTIMATE_ERROR = 0.05;
const PRICES = JSON.stringify([
  { model: "gpt-4o*", serviceTier: "flex", input: 1.25, output: 5 },
  { model: "gpt-4o*", input: 2.5, output: 10 },
]);

let world: LedgerWorld;

beforeAll(async () => {
  world = await startLedgerWorld({ LOG_LEVEL: "Information", GATEWAY_USAGE_PRICES: PRICES });
});
afterAll(() => world?.[Symbol.asyncDispose]());

describe("the ledger, behind the whole stack", () => {
  it("counts what the backends counted: exactly what they told, and nearly what they did not", async () => {
    const statuses = await sendAll(world.stack.url, { from: 0, count: REQUESTS, parallel: 8 });
    // One whose backends both fail or rest is answered with an error, and has no answer of a model's.
    const answers = statuses.get(200) ?? 0;
    expect(answers).toBeGreaterThan(REQUESTS / 2);
    await expect
      .poll(() => callsOf(world) - callsOf(world, "failed"), { timeout: WITHIN_MS })
      .toBe(answers);
    const failed = callsOf(world, "failed");
    expect(failed).toBeGreaterThan(0);
    const usage = await world.ledger({ answers, failed }, WITHIN_MS);
    expect(usage.total).toMatchObject({ answers, unknown: 0 });
    const reported = accounts(world, usage, "reported");
    expect(reported.map(({ ledger }) => ledger)).toEqual(reported.map(({ truth }) => truth));
    for (const what of ["silent", "left"] as const) {
      const estimated = accounts(world, usage, what);
      expect(estimated.length).toBeGreaterThan(0);
      expect(estimated.map(({ ledger }) => ledger.answers)).toEqual(
        estimated.map(({ truth }) => truth.answers),
      );
      expect(largestError(estimated)).toBeLessThan(MAX_ESTIMATE_ERROR);
    }
  });

  it("tells apart by which tier answers were served, and what each of them costs", async () => {
    const { rows } = await askUsage(world.stack.url, "group=model,serviceTier");
    const answered = rows.filter(({ answers }) => answers > 0);
    expect(answered.map(({ model, serviceTier }) => [model, serviceTier])).toEqual([
      ["claude-x", "default"],
      ["gpt-4o", "default"],
      ["gpt-4o-mini", "flex"],
    ]);
    for (const { model, cost, inputTokens, outputTokens } of answered) {
      const half = model === "gpt-4o-mini" ? 0.5 : 1;
      const price = model === "claude-x" ? 0 : half * (inputTokens * 2.5 + outputTokens * 10);
      // Told to six digits.
      expect(cost).toBeCloseTo(price / 1_000_000, 5);
    }
  });

  it("is what the event log says", async () => {
    const log = new LogReader({ fromAt: 0, beforeAt: Number.POSITIVE_INFINITY });
    for (const line of world.stack.output().split("\n")) log.read(line);
    const { rows } = await askUsage(world.stack.url, "group=user,model&limit=10000");
    const ledger = rows.map(({ user = "", model = "", answers, totalTokens }) => ({
      user,
      model,
      answers,
      totalTokens,
    }));
    expect(log.uses.length).toBeGreaterThan(REQUESTS / 2);
    expect(compareUse(ledger, log.uses).filter(({ error }) => error !== 0)).toEqual([]);
  });

  it("puts aside what can never be counted, where operators see it and deal with it", async () => {
    const operator = { "x-operator-key": OPERATOR_KEY };
    const letters = `${world.stack.url}/operations/dead-letters`;
    const input = JSON.stringify({ version: 1, id: "m", events: [{ id: "wrong", user: "mal" }] });
    await runByHand(world.stack, "usage", input);
    const listed = async () => {
      const answer = await fetch(`${letters}?queue=gateway-usage&body=true`, { headers: operator });
      return ((await answer.json()) as { deadLetters: { sequenceNumber: string }[] }).deadLetters;
    };
    await expect
      .poll(listed, { timeout: WITHIN_MS })
      .toMatchObject([
        { reason: "uncounted", content: { events: [{ id: "wrong", user: "mal" }] } },
      ]);
    const [letter] = await listed();
    const path = `${letters}/gateway-usage/${letter?.sequenceNumber}`;
    const again = await fetch(`${path}/redrive`, { method: "POST", headers: operator });
    expect([again.status, await again.text()]).toEqual([409, expect.stringContaining("kind")]);
    expect((await fetch(path, { method: "DELETE", headers: operator })).status).toBe(200);
    expect(await listed()).toEqual([]);
  });

  it("tells callers what they used and what it cost, in one call", async () => {
    const own = await fetch(`${world.stack.url}/usage?group=model&format=csv`, {
      headers: { "X-UserID": "ann" },
    });
    expect(own.status).toBe(200);
    const lines = (await own.text()).trim().split("\r\n");
    expect(lines[0]).toMatch(/^model,answers,.*,cost,.*,currency$/);
    expect(lines.slice(1).map((line) => line.split(",")[0])).toEqual([
      "claude-x",
      "gpt-4o",
      "gpt-4o-mini",
    ]);
    const everybodys = await fetch(`${world.stack.url}/usage?group=backend`, {
      headers: { "X-UserID": "ann" },
    });
    expect(everybodys.status).toBe(401);
  });
});
