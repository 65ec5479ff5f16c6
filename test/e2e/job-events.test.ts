import { randomBytes } from "node:crypto";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServiceBusClient, type ServiceBusReceivedMessage } from "@azure/service-bus";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../../local/free-port.ts";
import { type SeenRequest, startBackend, type TestBackend } from "../support/backend.ts";
import { type HoldingBackend, startHoldingBackend } from "../support/holding-backend.ts";
import { startStack, type TestStack } from "../support/stack.ts";
import { until } from "../support/until.ts";

const PATIENCE_MS = 60_000;

const asyncConfig = (user: string): string =>
  `enabled=true, containername=results-${user}, topic=status-${user}`;

const SECRET = randomBytes(32).toString("base64");
const PROFILES = [
  { userId: "u1", "async-config": asyncConfig("u1") },
  { userId: "u2", "async-config": asyncConfig("u2") },
  { userId: "hooked", "async-config": asyncConfig("hooked") },
  { userId: "lost", "async-config": "enabled=true, containername=abc, topic=nowhere" },
];

let backend: HoldingBackend;
let receiver: TestBackend;
let tries = 0;
let stack: TestStack;
let bus: ServiceBusClient;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "gateway-events-"));
  // A receiver that fails twice before it takes anything.
  receiver = await startBackend((_, response) => {
    tries += 1;
    response.writeHead(tries <= 2 ? 500 : 204).end();
  });
  const hooks = `webhooks=${receiver.url}/hooks/*, webhooksecret=main`;
  PROFILES[2] = { userId: "hooked", "async-config": `${asyncConfig("hooked")}, ${hooks}` };
  const profiles = writeProfiles(PROFILES.slice(0, 3));
  backend = await startHoldingBackend();
  const brokerPort = await freePort();
  stack = await startStack({
    env: {
      LOCAL_BROKER_PORT: String(brokerPort),
      Host1: `host=${backend.url};mode=direct`,
      UseProfiles: "true",
      UserConfigUrl: `file:${profiles}`,
      UserConfigRefreshIntervalSecs: "1",
      GATEWAY_WEBHOOKS_ALLOW_LOCAL: "true",
      GATEWAY_WEBHOOKS_SECRET_MAIN: `whsec_${SECRET}`,
      AsyncTriggerTimeout: "500",
    },
  });
  bus = new ServiceBusClient(
    `Endpoint=sb://127.0.0.1:${brokerPort};SharedAccessKeyName=k;SharedAccessKey=v;UseDevelopmentEmulator=true;`,
  );
});
afterAll(async () => {
  await bus?.close();
  await stack?.[Symbol.asyncDispose]();
  await receiver?.[Symbol.asyncDispose]();
  await backend?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** Writes the profiles as a whole: the gateway may read them at any moment. */
function writeProfiles(profiles: readonly object[]): string {
  const path = join(folder, "profiles.json");
  writeFileSync(`${path}.new`, JSON.stringify(profiles));
  renameSync(`${path}.new`, path);
  return path;
}

interface TopicEvent {
  readonly message: ServiceBusReceivedMessage;
  readonly body: Record<string, unknown>;
}

/** Receives what a user's topic gets until an event is final; then what else comes in a moment. */
async function eventsOf(user: string): Promise<TopicEvent[]> {
  const receiver = bus.createReceiver(`status-${user}`, "all", { receiveMode: "receiveAndDelete" });
  const events: TopicEvent[] = [];
  const take = async (maxWaitTimeInMs: number): Promise<void> => {
    const messages = await receiver.receiveMessages(10, { maxWaitTimeInMs });
    events.push(...messages.map((message) => ({ message, body: message.body as object as never })));
  };
  await until(
    async () => {
      await take(1000);
      return events.some(({ body }) => body["isFinal"] === true) || undefined;
    },
    PATIENCE_MS,
    `The end on the topic of ${user}`,
  );
  await take(500);
  await receiver.close();
  return events;
}

/** Lets the backend answer when it has so many calls. */
async function releaseWhen(held: number): Promise<void> {
  await expect.poll(() => backend.held, { timeout: PATIENCE_MS }).toBe(held);
  backend.release();
}

async function startJob(user: string, headers: Record<string, string> = {}): Promise<string> {
  const response = await fetch(`${stack.url}/hold`, {
    method: "POST",
    headers: { S7PAsyncMode: "true", "X-UserProfile": user, ...headers },
    body: "question",
  });
  const text = await response.text();
  expect({ status: response.status, text }).toEqual({ status: 202, text: expect.any(String) });
  return response.headers.get("location") ?? "";
}

const asUser = (user: string) => ({ headers: { "X-UserProfile": user } });

describe("a job's events on its caller's topic", () => {
  it("V101, V102, V104: come once each and in order, and the result is there when the end is told", async () => {
    const location = await startJob("u1");
    await releaseWhen(1);
    const events = await eventsOf("u1");
    const result = await fetch(`${stack.url}${location}/result`, asUser("u1"));
    expect(result.status).toBe(200);
    expect(await result.text()).toBe("ok");

    expect(events.map(({ body }) => body["Status"])).toEqual([
      "Queued",
      "Processing",
      "AsyncProcessing",
      "AsyncProcessed",
    ]);
    expect(events.map(({ body }) => body["sequence"])).toEqual([1, 2, 3, 4]);
    const id = location.split("/").at(-1);
    for (const { body, message } of events) {
      expect(body).toMatchObject({ RequestGuid: id, topicName: "status-u1" });
      expect(body["Timestamp"]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      expect(message.messageId).toBe(`job-${id}-event-${body["sequence"]}`);
      expect(message.applicationProperties).toMatchObject({ jobId: id, status: body["Status"] });
    }
    expect(events.at(-1)?.body).toMatchObject({ state: "succeeded", resultStatus: 200 });
  });

  it("are followed live over HTTP from any point, to the end", async () => {
    const location = await startJob("u1");
    const live = await fetch(`${stack.url}${location}/events`, asUser("u1"));
    expect(live.headers.get("content-type")).toBe("text/event-stream");
    let text = "";
    const read = (async () => {
      for await (const chunk of live.body ?? []) text += Buffer.from(chunk).toString();
    })();
    await expect.poll(() => text, { timeout: PATIENCE_MS }).toContain('"status":"AsyncProcessing"');
    expect(text).not.toContain('"isFinal":true');
    await releaseWhen(1);
    await read;
    expect(text.match(/^id: \d$/gm)).toEqual(["id: 1", "id: 2", "id: 3", "id: 4"]);
    expect(text).toContain('"status":"AsyncProcessed"');

    const from = (id: number) => ({
      headers: { ...asUser("u1").headers, "Last-Event-ID": `${id}` },
    });
    const rest = await fetch(`${stack.url}${location}/events`, from(2));
    expect((await rest.text()).match(/^id: \d$/gm)).toEqual(["id: 3", "id: 4"]);
    expect((await fetch(`${stack.url}${location}/events`, from(4))).status).toBe(204);
    expect((await fetch(`${stack.url}${location}/events`, asUser("u2"))).status).toBe(404);
    // The next test finds its topic empty.
    await eventsOf("u1");
  });

  it("V107: reach nobody else's topic", async () => {
    const locations = await Promise.all(["u1", "u2"].map((user) => startJob(user)));
    await releaseWhen(2);
    const [one, two] = await Promise.all([eventsOf("u1"), eventsOf("u2")]);
    const idsOf = (events: TopicEvent[]) => new Set(events.map(({ body }) => body["RequestGuid"]));
    expect(idsOf(one)).toEqual(new Set([locations[0]?.split("/").at(-1)]));
    expect(idsOf(two)).toEqual(new Set([locations[1]?.split("/").at(-1)]));
  });

  it("that cannot be told, because there is no such topic, hold no job up, and are reported", async () => {
    // The broker has a topic for each profile that is there when the stack starts; this one comes later.
    writeProfiles(PROFILES);
    const location = await until(
      () => startJob("lost").catch(() => undefined),
      PATIENCE_MS,
      "The new profile",
    );
    await releaseWhen(1);
    await until(
      async () => {
        const response = await fetch(`${stack.url}${location}`, asUser("lost"));
        return response.status === 200 || undefined;
      },
      PATIENCE_MS,
      "The job's end",
    );
    await expect.poll(() => stack.output(), { timeout: PATIENCE_MS }).toContain("job.event.failed");
  });
});

/** A webhook as its receiver checks it, with the library of the convention. */
function verified({ headers, body }: SeenRequest) {
  const text = body.toString();
  const payload = new Webhook(SECRET).verify(text, headers as Record<string, string>);
  return {
    id: headers["webhook-id"],
    payload: payload as { type: string; data: { jobId: string } },
  };
}

describe("a job's webhooks", () => {
  it("are signed, come again until they are taken, and once more on request", async () => {
    const url = `${receiver.url}/hooks/a`;
    const location = await startJob("hooked", { S7PWebhook: url });
    await releaseWhen(1);
    const typesSeen = () => new Set(receiver.seen.map((seen) => verified(seen).payload.type));
    const all = ["job.queued", "job.processing", "job.async_processing", "job.succeeded"];
    await expect.poll(typesSeen, { timeout: PATIENCE_MS }).toEqual(new Set(all));
    // Two tries failed; one whose answer comes late is made again, too.
    await expect
      .poll(() => receiver.seen.length, { timeout: PATIENCE_MS })
      .toBeGreaterThanOrEqual(all.length + 2);
    const id = location.split("/").at(-1);
    for (const seen of receiver.seen) {
      expect(seen.target).toBe("/hooks/a");
      expect(verified(seen).payload.data).toMatchObject({ jobId: id });
    }
    expect(new Set(receiver.seen.map((seen) => verified(seen).id)).size).toBe(all.length);

    const before = receiver.seen.length;
    const again = await fetch(`${stack.url}${location}/events/4/redeliver`, {
      method: "POST",
      ...asUser("hooked"),
    });
    expect(again.status).toBe(202);
    await expect
      .poll(() => receiver.seen.slice(before).map(verified), { timeout: PATIENCE_MS })
      .toContainEqual(
        expect.objectContaining({
          id: `event_${id}_4`,
          payload: expect.objectContaining({ type: "job.succeeded" }),
        }),
      );
  });

  it("go nowhere that the profile does not allow", async () => {
    for (const S7PWebhook of [`${receiver.url}/elsewhere`, "https://evil.example/"]) {
      const headers = { S7PAsyncMode: "true", "X-UserProfile": "hooked", S7PWebhook };
      const response = await fetch(`${stack.url}/now`, { headers });
      expect(response.status).toBe(403);
      expect(await response.json()).toMatchObject({ code: "webhook-not-allowed" });
    }
  });
});
