import { randomBytes } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import {
  nextWebhookStep,
  signWebhook,
  type WebhookAnswer,
} from "../../../shared/webhooks/index.ts";

const HOUR_MS = 3_600_000;
const answered = (status: number, retryAfterMs?: number): WebhookAnswer => ({
  kind: "answered",
  status,
  ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
});
const stepAfter = (answer: WebhookAnswer, attempt = 1, { now = 0, random = 0.5 } = {}) =>
  nextWebhookStep({ attempt, firstAt: 0 }, answer, { now, random: () => random });

describe("what follows from a receiver's answer", () => {
  it("is nothing when it took the event", () => {
    for (const status of [200, 201, 204, 299])
      expect(stepAfter(answered(status)).kind).toBe("done");
  });

  it("is the end of this receiver when it is gone", () => {
    expect(stepAfter(answered(410)).kind).toBe("gone");
  });

  it("is another try after anything else, redirects and silence included", () => {
    const others = [302, 400, 404, 429, 500, 503].map((status) => answered(status));
    for (const answer of [...others, { kind: "failed", reason: "ETIMEDOUT" } as const]) {
      expect(stepAfter(answer)).toEqual({ kind: "again", delayMs: 1000 });
    }
  });

  it("waits as long as the receiver asks, where it asks for more", () => {
    expect(stepAfter(answered(429, 60_000))).toEqual({ kind: "again", delayMs: 60_000 });
    expect(stepAfter(answered(503, 10))).toEqual({ kind: "again", delayMs: 1000 });
    expect(stepAfter(answered(500, 60_000))).toEqual({ kind: "again", delayMs: 1000 });
    expect(stepAfter(answered(429, 48 * HOUR_MS)).kind).toBe("giveUp");
  });

  it("is twelve tries over about a day, a fifth more or less, and then a reason", () => {
    let now = 0;
    for (let attempt = 1; attempt < 12; attempt++) {
      const step = stepAfter(answered(500), attempt, { now });
      expect(step.kind).toBe("again");
      now += step.kind === "again" ? step.delayMs : 0;
    }
    expect(now / HOUR_MS).toBeGreaterThan(22);
    expect(now / HOUR_MS).toBeLessThan(26);
    expect(stepAfter(answered(500), 12, { now })).toEqual({
      kind: "giveUp",
      reason: "given up after 12 tries, the last with status 500",
    });
    expect(stepAfter(answered(500), 1, { random: 0 })).toEqual({ kind: "again", delayMs: 800 });
  });
});

describe("a signature", () => {
  it("is known by receivers that follow the convention, with the old key and with the new one", () => {
    const [old, fresh, other] = [randomBytes(24), randomBytes(64), randomBytes(32)];
    const body = JSON.stringify({ text: "ärger" });
    const sentAt = Date.now();
    const headers = { ...signWebhook({ id: "event_1", body, sentAt }, [old, fresh]) };
    const verify = (key: Buffer, text = body) =>
      new Webhook(key.toString("base64")).verify(text, headers);
    expect(verify(old)).toEqual({ text: "ärger" });
    expect(verify(fresh)).toEqual({ text: "ärger" });
    expect(() => verify(other)).toThrow("No matching signature");
    expect(() => verify(old, `${body} `)).toThrow("No matching signature");
  });
});
