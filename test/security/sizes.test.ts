import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { parseTimeToLive } from "../../shared/admission/time-to-live.ts";
import { parseJobListQuery, parseJobPatch, parseUsageQuery } from "../../shared/api/index.ts";
import { DeliveredAnswer } from "../../shared/backends/delivered-answer.ts";
import { parseTraceContext } from "../../shared/core/trace-context.ts";
import { readBatchLines } from "../../shared/gateway/batches/read-batch-lines.ts";
import { decodedText } from "../../shared/gateway/calls/decoded-text.ts";
import { followJobEvents, handleRequest, moveJob } from "../../shared/gateway/index.ts";
import { below, lineOutput, parseBatchLine } from "../../shared/jobs/index.ts";
import { PoisonMessageError, readSubmission } from "../../shared/messaging/index.ts";
import { utilizationIn } from "../../shared/routing/utilization.ts";
import { redactTarget, redactText, redactValue } from "../../shared/telemetry/index.ts";
import { KnownNames } from "../../shared/telemetry/known-names.ts";
import { UsageReader, withUsageWish } from "../../shared/usage/index.ts";
import { withoutNullUsage } from "../../shared/usage/without-usage-chunk.ts";
import { createGateway, fakeEngine, requestTo } from "../support/gateway.ts";
import { acceptedJob } from "../support/lane-messages.ts";
import { bodyOf, textOf } from "../support/streams.ts";

const QUADRATIC_MS = 200;
const utilized = (value: string) => [["azure-openai-deployment-utilization", value]] as const;
const DEPTH = 20_000;
const nested = "[".repeat(DEPTH) + "]".repeat(DEPTH);
const faultOf = (): undefined => undefined;
const line = (change: object = {}): string =>
  JSON.stringify({ custom_id: "a", method: "POST", url: "/chat", body: {}, ...change });

async function allLines(text: string, limits: { maxBytes: number; maxLines: number }) {
  const lines = [];
  for await (const piece of readBatchLines(bodyOf(text), { ...limits, faultOf }))
    lines.push(...piece);
  return lines;
}

describe("JSON that is nested too deeply", () => {
  it("is refused as a line of a batch, with words", () => {
    const text = line().replace('"body":{}', `"body":{"a":${nested}}`);
    expect(parseBatchLine(text)).toBe("has a body that is nested too deeply");
  });

  it("is refused as a submission, and not tried again", () => {
    const text = `{"id":"a","user":"ann","path":"/chat","body":${nested}}`;
    for (const message of [text, Buffer.from(text), JSON.parse(text) as unknown]) {
      expect(() => readSubmission(message)).toThrow(PoisonMessageError);
    }
  });

  it("is kept as text where it is the answer to a line", () => {
    const output = lineOutput({ requestId: "r", customId: "a" }, { status: 200, text: nested });
    expect(JSON.parse(output)).toMatchObject({ response: { body: nested } });
  });

  it("goes through where only its backend reads it", async () => {
    const gateway = createGateway({ GATEWAY_SYNC_MODE: "direct" });
    gateway.backends.answer(200);
    const options = `"stream":true,"stream_options":{"x":${nested}}`;
    const request = requestTo(gateway, {
      target: "/chat/completions",
      headers: [["content-type", "application/json"]],
      body: `{"model":"m",${options},"messages":${nested}}`,
    });
    const answer = await handleRequest(gateway.services, request, undefined);
    gateway.stop();
    expect([answer.status, await textOf(answer.body)]).toEqual([200, "ok"]);
    expect(withUsageWish("/chat/completions", Buffer.from(`{${options}}`))).toBeUndefined();
  });

  it.each([
    ["of its own", `{"x":${nested}}`],
    ["of lists", nested],
    ["beside what it says", `{"choices":[{"message":{"content":"said","x":${nested}}}]}`],
  ])("is an answer like any other: %s", async (_, body) => {
    const reader = new UsageReader([["content-type", "application/json"]]);
    reader.read(Buffer.from(body));
    const { provenance, uncounted } = await reader.end(true);
    const text = body.includes("said") ? "said" : undefined;
    expect([provenance, uncounted?.text]).toEqual(["unknown", text]);
  });

  it("is delivered, and compared with no other answer", () => {
    const delivered = new DeliveredAnswer();
    const item = { type: "message", x: JSON.parse(nested) as unknown };
    delivered.record({ type: "response.created", response: { id: "r" } });
    expect(delivered.isComparable).toBe(true);
    delivered.record({ type: "response.output_item.done", output_index: 0, item });
    expect(delivered.isComparable).toBe(false);
  });

  it("is no change of a job, and no event", () => {
    expect(parseJobPatch(`{"priority":${nested}}`).ok).toBe(false);
    expect(JSON.stringify(redactValue(JSON.parse(nested)))).toMatch(/REDACTED/);
  });
});

describe("text that a pattern could go through again from each of its places", () => {
  const LENGTH = 16_000;
  const repeated = (text: string): string => text.repeat(LENGTH / text.length);
  const passwords = [..."123456"].map((each) => `${each} ${repeated("pwd=a ")}`);
  const letters = (first: string): string => redactText(`${first} ${repeated("A")}`);
  const target = (query: string): object => ({ path: redactTarget(`/chat?${query}`) });

  it.each<[string, () => unknown]>([
    ["a time to live of digits", () => parseTimeToLive(`${repeated("1")}x`, 0)],
    ["a parameter's name of digits", () => target(`${repeated("1")}x=1`)],
    ["passwords that nothing ends", () => passwords.map(redactText)],
    ["text that nothing parts, as a name", () => Array.from("abcdefghijklmnopqrst", letters)],
    ["a path of slashes, below which a response is", () => below(`/${repeated("/")}x`, "/r")],
    ["a backend's utilization", () => utilizationIn(utilized(`5${repeated(" ")}x`))],
    ["a stream of nothing but usage", () => withoutNullUsage(repeated(',"usage":null').repeat(8))],
  ])("costs no more than its length: %s", (_, read) => {
    const before = process.threadCpuUsage();
    read();
    const { user, system } = process.threadCpuUsage(before);
    // A hundredth of it on a slow machine; several times as much for what grows with the square.
    expect((user + system) / 1000).toBeLessThan(QUADRATIC_MS);
  });
});

describe("too much of something", () => {
  it("is a text that was encoded again and again", () => {
    const encoded = (times: number) => {
      const codings = Array<string>(times).fill("gzip");
      const bytes = codings.reduce<Uint8Array>((inner) => gzipSync(inner), Buffer.from("said"));
      return decodedText(bytes, codings, 65_536);
    };
    expect([encoded(1), encoded(4), encoded(5)]).toEqual(["said", "said", ""]);
  });

  it("is a batch of too many lines, or bytes, or of one endless line", async () => {
    const limits = { maxBytes: 10_000, maxLines: 2 };
    const file = (count: number): string =>
      Array.from({ length: count }, (_, n) => line({ custom_id: `c${n}` })).join("\n");
    expect(await allLines(file(2), limits)).toHaveLength(2);
    const tooLarge = { code: "request-too-large" };
    await expect(allLines(file(3), limits)).rejects.toMatchObject(tooLarge);
    await expect(allLines(file(1), { maxBytes: 50, maxLines: 2 })).rejects.toMatchObject(tooLarge);
    await expect(allLines("x".repeat(10_001), limits)).rejects.toMatchObject(tooLarge);
  });

  it("is a line's id, or its path", () => {
    expect(parseBatchLine(line({ custom_id: "x".repeat(257) }))).toMatch(/custom_id/);
    expect(parseBatchLine(line({ url: `/${"x".repeat(2048)}` }))).toMatch(/url/);
  });

  it("is an idempotency key, which is refused before anything is kept", async () => {
    const gateway = createGateway();
    const headers = [["Idempotency-Key", "x".repeat(256)]] as const;
    const answer = await handleRequest(
      gateway.services,
      requestTo(gateway, { headers }),
      undefined,
    );
    gateway.stop();
    expect([answer.status, gateway.table.rows.size]).toEqual([400, 0]);
  });

  it("is the change of a job", async () => {
    const gateway = createGateway();
    await acceptedJob(gateway);
    const body = bodyOf(`${" ".repeat(20_000)}{"priority":1}`);
    const query = { id: "job-1", headers: [], target: "/jobs/job-1", engine: fakeEngine(), body };
    const moving = moveJob(gateway.services, query);
    await expect(moving).rejects.toMatchObject({ code: "bad-request" });
    gateway.stop();
  });

  it("is a page, or a span, of jobs and of what was used", () => {
    const jobs = (query: string) => parseJobListQuery(new URLSearchParams(query)).ok;
    expect([jobs("limit=100"), jobs("limit=101"), jobs("limit=1e9")]).toEqual([true, false, false]);
    const usage = (query: string) =>
      parseUsageQuery(new URLSearchParams(query), Date.UTC(2026, 0, 1)).ok;
    expect([usage("limit=10"), usage("limit=999999999")]).toEqual([true, false]);
  });

  it("is the number of an event that a reader claims to have seen", async () => {
    const gateway = createGateway();
    await acceptedJob(gateway);
    const { signal } = new AbortController();
    const headers = [["Last-Event-ID", "9".repeat(400)]] as const;
    const query = { id: "job-1", headers, target: "/", closed: signal };
    const following = followJobEvents(gateway.services, query);
    await expect(following).rejects.toMatchObject({ code: "bad-request" });
    gateway.stop();
  });

  it("is the state of a trace, which does not go on", () => {
    const parent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
    expect(parseTraceContext(parent, "x".repeat(512))).toHaveProperty("state");
    expect(parseTraceContext(parent, "x".repeat(513))).not.toHaveProperty("state");
  });

  it("is the number of names that clients make up: they share one series", () => {
    const names = new KnownNames(2);
    const told = ["a", "b", "c", "d"].map((name) => names.told(name, true));
    expect(new Set(told).size).toBe(3);
    expect(names.told("made-up", false)).toBe(told[2]);
  });

  it("is text for the log, which is cut", () => {
    expect(redactText("x ".repeat(500_000)).length).toBeLessThan(20_000);
  });
});
