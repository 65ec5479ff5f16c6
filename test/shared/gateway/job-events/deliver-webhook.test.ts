import { describe, expect, it } from "vitest";
import type { HeaderList } from "../../../../shared/core/headers.ts";
import { deliverWebhook, redeliverEvent, type Services } from "../../../../shared/gateway/index.ts";
import { createIdentitySnapshot, parseProfiles } from "../../../../shared/identity/index.ts";
import type {
  WebhookAnswer,
  WebhookClient,
  WebhookPost,
} from "../../../../shared/webhooks/index.ts";
import { createGateway } from "../../../support/gateway.ts";

const HOOK = "https://hooks.example.com/jobs";
const SECRET = Buffer.alloc(32, 7).toString("base64");
const ANN: HeaderList = [["X-UserID", "ann"]];
const ENDED = {
  kind: "ended",
  outcome: { state: "failed", endedAt: Date.UTC(2026, 0, 1), attempt: 1 },
} as const;

const profileWith = (webhooks: string): object => ({
  userId: "p1",
  "async-config": `enabled=true, containername=abc, topic=t1, webhooks=${webhooks}, webhooksecret=main`,
});

/** A gateway with one job of a caller with one webhook, whose receiver answers as a test says. */
async function open({ allowed = HOOK, urls = [HOOK] } = {}) {
  const gateway = createGateway({ UseProfiles: "false", GATEWAY_WEBHOOKS_SECRET_MAIN: SECRET });
  const { jobs, policy } = gateway.services;
  if (!jobs) throw new Error("There are no jobs.");
  const profiles = parseProfiles([profileWith(allowed)]);
  if (!profiles.ok) throw new Error("The profile cannot be read.");
  const identity = createIdentitySnapshot({ profiles: profiles.value });
  const posts: WebhookPost[] = [];
  const answers: (WebhookAnswer | undefined)[] = [];
  const post = async (call: WebhookPost) => {
    posts.push(call);
    return answers.length > 0 ? answers.shift() : ({ kind: "answered", status: 204 } as const);
  };
  const services: Services = {
    ...gateway.services,
    policy: { ...policy, current: () => ({ ...policy.current(), identity }) },
    jobs: { ...jobs, webhooks: { post } as unknown as WebhookClient },
  };
  await jobs.store.insert({
    id: "job-1",
    owner: "ann",
    priority: 2,
    createdAt: gateway.clock.now(),
    expiresAt: gateway.clock.now() + 60_000,
    request: "{}",
    notify: { webhooks: urls, profileId: "p1" },
  });
  const waiting = () => gateway.bus.sent.filter(({ queue }) => queue === "webhooks");
  const next = (): { readonly body: unknown; readonly scheduledAt?: number } => {
    const index = gateway.bus.sent.findIndex(({ queue }) => queue === "webhooks");
    const [sent] = gateway.bus.sent.splice(index, 1);
    if (!sent) throw new Error("No delivery waits.");
    return sent.message;
  };
  const deliver = () => deliverWebhook(services, next().body);
  return { ...gateway, services, jobs, posts, answers, waiting, next, deliver };
}

describe("a job's webhooks", () => {
  it("carry each event once, signed and numbered, with an id that stays the same", async () => {
    const { jobs, posts, waiting, deliver } = await open();
    await jobs.events.announce("job-1", ENDED);
    await jobs.events.announce("job-1", ENDED);
    await jobs.events.settle("job-1");
    expect(waiting().map(({ message }) => message.messageId)).toEqual([
      "webhook-job-1-1-0-1",
      "webhook-job-1-2-0-1",
    ]);
    await deliver();
    await deliver();
    expect(posts.map(({ url }) => url)).toEqual([HOOK, HOOK]);
    expect(posts[1]?.headers).toMatchObject({ "webhook-id": "event_job-1_2" });
    expect(JSON.parse(posts[1]?.body ?? "")).toMatchObject({
      type: "job.failed",
      timestamp: "2026-01-01T00:00:00.000Z",
      data: { jobId: "job-1", sequence: 2, state: "failed", isFinal: true },
    });
    expect(waiting()).toEqual([]);
  });

  it("that fail come again later, with the worker free meanwhile, under the same id", async () => {
    const { jobs, posts, answers, waiting, deliver, clock } = await open();
    await jobs.events.announce("job-1", { kind: "queued" });
    answers.push({ kind: "answered", status: 503, retryAfterMs: 9000 });
    await deliver();
    expect(waiting()).toMatchObject([
      { message: { messageId: "webhook-job-1-1-0-2", scheduledAt: clock.now() + 9000 } },
    ]);
    await deliver();
    expect(new Set(posts.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
    expect(waiting()).toEqual([]);
  });

  it("that a busy receiver cannot take wait, and lose no try", async () => {
    const { jobs, answers, waiting, deliver } = await open();
    await jobs.events.announce("job-1", { kind: "queued" });
    answers.push(undefined);
    await deliver();
    expect(waiting()).toMatchObject([{ message: { body: { attempt: 1 } } }]);
    expect(waiting()[0]?.message.messageId).toMatch(/^webhook-job-1-1-0-1-later-/);
  });

  it("are given up after a day, and go to the dead letters with the reason", async () => {
    const { jobs, posts, answers, waiting, deliver, clock, next } = await open();
    await jobs.events.announce("job-1", { kind: "queued" });
    for (let tries = 1; tries <= 12; tries++) {
      answers.push({ kind: "failed", reason: "ETIMEDOUT" });
      await clock.advance(Math.max(0, (waiting()[0]?.message.scheduledAt ?? 0) - clock.now()));
      await deliver();
    }
    expect(posts).toHaveLength(12);
    expect(waiting()).toMatchObject([{ message: { messageId: "webhook-job-1-1-0-12-failed" } }]);
    const { body } = next();
    for (let delivery = 0; delivery < 3; delivery++) {
      await expect(deliverWebhook((await open()).services, body)).rejects.toThrow(
        "given up after 12 tries, the last with ETIMEDOUT",
      );
    }
    expect(posts).toHaveLength(12);
  });

  it("stop for a receiver that is gone, and for no other", async () => {
    const other = "https://other.example.com/";
    const { jobs, posts, answers, waiting, deliver } = await open({
      allowed: `${HOOK} ${other}`,
      urls: [HOOK, other],
    });
    await jobs.events.announce("job-1", ENDED);
    answers.push({ kind: "answered", status: 410 });
    while (waiting().length > 0) await deliver();
    expect(posts.map(({ url }) => url)).toEqual([HOOK, other, other]);
  });

  it("call nobody whom the profile no longer allows", async () => {
    const { jobs, posts, waiting, deliver } = await open({ allowed: "https://new.example.com/" });
    await jobs.events.announce("job-1", { kind: "queued" });
    await deliver();
    expect(posts).toEqual([]);
    expect(waiting()[0]?.message.body).toMatchObject({
      failure: "the profile no longer allows it, or has no secret",
    });
  });

  it("are sent once more on request, to receivers that are gone too", async () => {
    const { jobs, services, posts, answers, deliver } = await open();
    await jobs.events.announce("job-1", { kind: "queued" });
    answers.push({ kind: "answered", status: 410 });
    await deliver();
    const query = { id: "job-1", headers: ANN, target: "/", sequence: "1" };
    expect((await redeliverEvent(services, query)).status).toBe(202);
    await deliver();
    expect(posts).toHaveLength(2);
    await expect(redeliverEvent(services, { ...query, sequence: "9" })).rejects.toMatchObject({
      code: "event-not-found",
    });
    await expect(
      redeliverEvent(services, { ...query, headers: [["X-UserID", "bob"]] }),
    ).rejects.toMatchObject({ code: "job-not-found" });
  });

  it("that nobody can read go back until the queue gives them up", async () => {
    const { services } = await open();
    await expect(deliverWebhook(services, { nonsense: true })).rejects.toThrow("is no webhook");
  });
});
