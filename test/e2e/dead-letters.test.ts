import { rmSync } from "node:fs";
import { ServiceBusClient } from "@azure/service-bus";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../../local/free-port.ts";
import { type HoldingBackend, startHoldingBackend } from "../support/holding-backend.ts";
import { finishedJob } from "../support/job-client.ts";
import { makeDataDir, OPERATOR_KEY, startStack, type TestStack } from "../support/stack.ts";
import { until } from "../support/until.ts";

const PATIENCE_MS = 60_000;

interface Letter {
  queue: string;
  sequenceNumber: string;
  reason: string;
  id?: string;
  user?: string;
  content?: { headers: [string, string][]; target: string };
}

let backend: HoldingBackend;
let dataDir: string;
let env: Record<string, string>;
let stack: TestStack;

/** Moves the one message of a queue to the dead letters, as a broker does whose worker was killed. */
async function bury(bus: ServiceBusClient, queue: string): Promise<void> {
  const receiver = bus.createReceiver(queue);
  const message = await until(
    async () => (await receiver.receiveMessages(1, { maxWaitTimeInMs: 1000 }))[0],
    PATIENCE_MS,
    `A message in ${queue}`,
  );
  await receiver.deadLetterMessage(message, {
    deadLetterReason: "MaxDeliveryCountExceeded",
    deadLetterErrorDescription: "Message could not be consumed.",
  });
  await receiver.close();
}

beforeAll(async () => {
  backend = await startHoldingBackend();
  dataDir = makeDataDir();
  const brokerPort = await freePort();
  env = {
    LOCAL_BROKER_PORT: String(brokerPort),
    Host1: `host=${backend.url};mode=direct`,
    GATEWAY_DEAD_LETTERS_SCHEDULE: "* * * * * *",
  };
  const first = await startStack({ env, dataDir });
  const accepted = await fetch(`${first.url}/hold`, {
    method: "POST",
    headers: { S7PAsyncMode: "true", "X-UserID": "alice", Authorization: "Bearer top-secret" },
    body: "question",
  });
  location = accepted.headers.get("location") ?? "";
  await until(async () => backend.held === 1 || undefined, PATIENCE_MS, "The call");
  await first.crash();

  // Nobody works here: what is dead-lettered now, no worker has told of.
  const idle = await startStack({ env: { ...env, LOCAL_HOST: "none" }, dataDir });
  const bus = new ServiceBusClient(
    `Endpoint=sb://127.0.0.1:${brokerPort};SharedAccessKeyName=k;SharedAccessKey=v;UseDevelopmentEmulator=true;`,
  );
  const headers = { Authorization: "Bearer top-secret", "X-A": "1" };
  const job = { id: "order-1", user: "bob", path: "/x?code=top-secret", headers, body: "again" };
  await bus.createSender("submissions").sendMessages({ body: job });
  await bury(bus, "submissions");
  await bury(bus, "lane-standard");
  await bus.close();
  await idle.stop();
  stack = await startStack({ env, dataDir });
});
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  backend?.release();
  await backend?.[Symbol.asyncDispose]();
  rmSync(dataDir, { recursive: true, force: true });
});

let location: string;

const ask = (path: string, method = "GET", key = OPERATOR_KEY): Promise<Response> =>
  fetch(`${stack.url}/operations/dead-letters${path}`, {
    method,
    headers: { "x-operator-key": key },
  });

async function letters(query = ""): Promise<Letter[]> {
  const response = await ask(query);
  expect(response.status).toBe(200);
  return ((await response.json()) as { deadLetters: Letter[] }).deadLetters;
}

const codeOf = async (response: Response) => ((await response.json()) as { code: string }).code;

async function letterOf(queue: string): Promise<Letter> {
  const letter = (await letters("?body=true")).find((each) => each.queue === queue);
  if (!letter) throw new Error(`There is no letter of ${queue}.`);
  return letter;
}

describe("the dead letters", () => {
  it("end the job whose message nobody can process, though no worker could say so", async () => {
    const job = await finishedJob(stack.url, location, { headers: { "X-UserID": "alice" } });
    expect(job).toMatchObject({ state: "failed", error: { code: "delivery-failed" } });
  });

  it("are for operators only", async () => {
    expect((await ask("", "GET", "wrong")).status).toBe(403);
    expect((await fetch(`${stack.url}/operations/dead-letters`)).status).toBe(401);
    expect((await ask("/submissions", "DELETE", "wrong")).status).toBe(403);
    expect(await letters()).toHaveLength(2);
  });

  it("are listed page by page with whom they concern, and with no credential", async () => {
    const all = await letters();
    expect(all).toMatchObject([
      { queue: "lane-standard", user: "alice", reason: "MaxDeliveryCountExceeded" },
      { queue: "submissions", user: "bob", id: "order-1" },
    ]);
    expect(all[0]).not.toHaveProperty("content");
    const first = (await (await ask("?limit=1")).json()) as Record<string, unknown>;
    const rest = await letters(`?limit=5&continuation=${first["continuation"]}`);
    expect(rest.map(({ queue }) => queue)).toEqual(["submissions"]);

    const shown = await (await ask("?body=true")).text();
    expect(shown).toContain("X-A");
    expect(shown).toContain('"again"');
    expect(shown).not.toContain("top-secret");
    expect(shown).not.toContain("sealedHeaders");
    expect((await ask("?queue=nowhere")).status).toBe(404);
  });

  it("are sent again once, by one of two operators", async () => {
    const { sequenceNumber } = await letterOf("submissions");
    const path = `/submissions/${sequenceNumber}/redrive`;
    const answers = await Promise.all([ask(path, "POST"), ask(path, "POST")]);
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect([404, 409]).toContain(statuses.find((status) => status !== 200));
    const job = await finishedJob(stack.url, "/jobs/order-1", { headers: { "X-UserID": "bob" } });
    expect(job).toMatchObject({ state: "succeeded", attempts: 1 });
    expect(backend.seen.filter(({ target }) => target.startsWith("/x"))).toHaveLength(1);
  });

  it("are not sent again when their job has ended, and are discarded instead", async () => {
    const { sequenceNumber } = await letterOf("lane-standard");
    const one = `/lane-standard/${sequenceNumber}`;
    const refused = await ask(`${one}/redrive`, "POST");
    expect(refused.status).toBe(409);
    expect(await codeOf(refused)).toBe("redrive-refused");
    const kept = await ask("/lane-standard/redrive", "POST");
    expect(await kept.json()).toMatchObject({ gone: 0, kept: 1 });

    expect((await ask(one, "DELETE")).status).toBe(200);
    const again = await ask(one, "DELETE");
    expect(again.status).toBe(404);
    expect(await codeOf(again)).toBe("dead-letter-not-found");
    expect(await (await ask("/lane-standard", "DELETE")).json()).toMatchObject({ gone: 0 });
    expect(await letters()).toEqual([]);
  });
});
