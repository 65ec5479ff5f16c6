import { describe, expect, it } from "vitest";
import {
  type DecisionReceipt,
  isContextRefusal,
  judgeAnswer,
  receiptHeader,
} from "../../../shared/routing/index.ts";

const RECEIPT: DecisionReceipt = {
  requestId: "request-1",
  priority: 2,
  outcome: "answered",
  attempts: [{ backend: "Host1", tier: 1, atMs: 3, tookMs: 20, status: 200, outcome: "answered" }],
  waitedMs: 0,
  decisions: [],
  omitted: 0,
};
const decision = (n: number) => ({
  atMs: n,
  candidates: ["Host1"],
  passedOver: Array.from({ length: 10 }, (_, k) => ({
    backend: `Host${k}`,
    reason: "throttled" as const,
    readyInMs: 1000,
  })),
});

describe("receiptHeader", () => {
  it("is the receipt in one line of ASCII", () => {
    const text = receiptHeader({ ...RECEIPT, requestId: "é\n" });
    expect(text).toMatch(/^[\x20-\x7e]+$/);
    expect(JSON.parse(text)).toEqual({ ...RECEIPT, requestId: "é\n" });
  });

  it("leaves out the oldest decisions where it would grow too long, and counts them", () => {
    const decisions = Array.from({ length: 20 }, (_, n) => decision(n));
    const text = receiptHeader({ ...RECEIPT, decisions, omitted: 3 });
    const kept: DecisionReceipt = JSON.parse(text);
    expect(text.length).toBeLessThanOrEqual(4096);
    expect(kept.decisions.length).toBeGreaterThan(0);
    expect(kept.decisions.at(-1)?.atMs).toBe(19);
    expect(kept.omitted).toBe(23 - kept.decisions.length);
  });
});

describe("judgeAnswer", () => {
  it.each([
    [200, {}, { kind: "answered" }],
    [400, {}, { kind: "refused" }],
    [404, {}, { kind: "elsewhere" }],
    [429, {}, { kind: "failed" }],
    [429, { "retry-after": "soon" }, { kind: "failed" }],
    [429, { "retry-after": "7" }, { kind: "throttled", waitMs: 7000 }],
    [429, { "Retry-After-Ms": "250" }, { kind: "throttled", waitMs: 250 }],
    [429, { S7PREQUEUE: "TRUE", "retry-after": "2" }, { kind: "requeued", delayMs: 2000 }],
    [429, { s7prequeue: "true" }, { kind: "requeued", delayMs: 1000 }],
    [429, { S7PREQUEUE: "false" }, { kind: "failed" }],
    [503, { "retry-after": "1" }, { kind: "failed", waitMs: 1000 }],
    [500, { S7PREQUEUE: "true" }, { kind: "failed" }],
  ])("takes %d with %j for %j", (status, headers, verdict) => {
    expect(judgeAnswer(status, Object.entries(headers), { nowMs: 0 })).toEqual(verdict);
  });
});

describe("isContextRefusal", () => {
  it.each([
    ['{"error":{"code":"context_length_exceeded","message":"x"}}', true],
    [
      '{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 205130 tokens > 200000 maximum"}}',
      true,
    ],
    ['{"type":"error","code":"context_length_exceeded","message":"x"}', true],
    ['{"type":"response.failed","response":{"error":{"code":"context_length_exceeded"}}}', true],
    ['{"code":"context_length_exceeded"}', false],
    ['{"type":"error","code":"invalid_prompt","message":"x"}', false],
    ['{"error":{"code":"content_filter","message":"context window"}}', false],
    ['{"error":{"type":"invalid_request_error","message":"bad parameter"}}', false],
    ['{"error":"context_length_exceeded"}', false],
    ["context_length_exceeded", false],
    ["null", false],
    ["", false],
  ])("says of %s: %j", (body, isRefusal) => {
    expect(isContextRefusal(body)).toBe(isRefusal);
  });
});
