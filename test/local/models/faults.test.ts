import OpenAI from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type RunningModels, startModels } from "../../../local/models/index.ts";
import {
  type ChatOptions,
  chat,
  eventsIn,
  eventually,
  type Seen,
  textEventsIn,
} from "./chat-client.ts";

const SETTINGS = { ttftMs: 0, tokensPerSecond: 0, outputTokens: 10, outputTokensSigma: 0 };

describe("a simulated model that was told to fail", () => {
  let models: RunningModels;

  beforeAll(async () => {
    models = await startModels({ port: 0, settings: SETTINGS });
  });

  afterAll(() => models.close());

  beforeEach(async () => {
    await fetch(`${models.url}/sim/calls`, { method: "DELETE" });
  });

  const failing = (script: string, options: ChatOptions = {}): Promise<Seen> =>
    chat(models.url, { ...options, headers: { "x-sim-fault": script, ...options.headers } });
  const failingStream = (script: string): Promise<Seen> =>
    failing(script, { body: { stream: true } });
  const errorIn = (seen: Seen): unknown => JSON.parse(seen.text).error;

  it("answers a status with an error body", async () => {
    const seen = await failing("status:503");
    expect(seen.status).toBe(503);
    expect(errorIn(seen)).toMatchObject({ type: "server_error" });
  });

  it("throttles with guidance, or without any", async () => {
    const guided = await failing("throttle:1500");
    expect(guided.status).toBe(429);
    expect(guided.headers).toMatchObject({ "retry-after": "2", "retry-after-ms": "1500" });
    const bare = await failing("throttle");
    expect(bare.status).toBe(429);
    expect(bare.headers).not.toHaveProperty("retry-after");
    expect(bare.headers).not.toHaveProperty("retry-after-ms");
  });

  it("asks to be requeued", async () => {
    const seen = await failing("requeue:250");
    expect(seen).toMatchObject({
      status: 429,
      headers: { s7prequeue: "true", "retry-after-ms": "250" },
    });
  });

  it("refuses for content and for length as the real ones do", async () => {
    expect(errorIn(await failing("content-filter"))).toMatchObject({
      code: "content_filter",
      innererror: { code: "ResponsibleAIPolicyViolation" },
    });
    expect(errorIn(await failing("context-length"))).toMatchObject({
      code: "context_length_exceeded",
    });
  });

  it("resets the connection before any header", async () => {
    await expect(failing("reset")).rejects.toMatchObject({ code: "ECONNRESET" });
  });

  it("answers 200 with nothing", async () => {
    expect(await failing("empty")).toMatchObject({ status: 200, text: "", ending: "end" });
  });

  it("stalls without an answer until the client leaves", async () => {
    const client = new AbortController();
    const stalled = failing("stall", { signal: client.signal });
    await eventually(() => lastOutcome()).toBe("fault:stall");
    client.abort();
    await expect(stalled).rejects.toThrow("aborted");
    await eventually(async () => (await lastCall()).endedAt).not.toBeNull();
  });

  it("breaks a stream off after so many chunks of text", async () => {
    const seen = await failingStream("break-after:3");
    expect(seen).toMatchObject({ status: 200, ending: "ECONNRESET" });
    expect(textEventsIn(seen.text)).toBe(3);
  });

  it("ends a stream early without a finish reason or [DONE]", async () => {
    const seen = await failingStream("truncate:4");
    expect(seen.ending).toBe("end");
    expect(textEventsIn(seen.text)).toBe(4);
    expect(seen.text).not.toContain("[DONE]");
    expect(seen.text).not.toContain('"finish_reason":"stop"');
  });

  it("stalls in the middle of a stream", async () => {
    const client = new AbortController();
    const response = await fetch(`${models.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "x-sim-fault": "stall-after:2" },
      body: JSON.stringify({
        model: "m",
        stream: true,
        messages: [{ role: "user", content: "x" }],
      }),
      signal: client.signal,
    });
    let text = "";
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString();
      if (textEventsIn(text) >= 2) break;
    }
    expect(textEventsIn(text)).toBe(2);
    client.abort();
    await eventually(async () => (await lastCall()).endedAt).not.toBeNull();
    expect(await lastOutcome()).toBe("fault:stall-after");
  });

  it("puts one broken event into an otherwise good stream", async () => {
    const events = eventsIn((await failingStream("malformed:2")).text);
    const broken = events.filter((data) => data !== "[DONE]" && !isJson(data));
    expect(broken).toHaveLength(1);
    expect(events.at(-1)).toBe("[DONE]");
  });

  it("reports an error inside a chat stream that the SDK throws", async () => {
    const client = new OpenAI({ baseURL: `${models.url}/v1`, apiKey: "none", maxRetries: 0 });
    const stream = await client.chat.completions.create(
      { model: "gpt-4o", messages: [{ role: "user", content: "x" }], stream: true },
      { headers: { "x-sim-fault": "error-event:2" } },
    );
    const read = async (): Promise<void> => {
      for await (const _ of stream);
    };
    await expect(read()).rejects.toThrow("The server had an error");
  });

  it("reports an error inside a response's stream as an error event", async () => {
    const seen = await chat(models.url, {
      path: "/v1/responses",
      body: { input: "x", stream: true },
      headers: { "x-sim-fault": "error-event:2" },
    });
    expect(seen.text).toContain("event: error\n");
    expect(JSON.parse(eventsIn(seen.text).at(-1) ?? "")).toMatchObject({ type: "error" });
  });

  it("drips an answer that is whole in the end", async () => {
    const dripped = await failing("drip:1");
    const whole = await chat(models.url);
    expect(JSON.parse(dripped.text).choices).toEqual(JSON.parse(whole.text).choices);
  });

  it("announces more bytes than it sends", async () => {
    const seen = await failing("wrong-length:10");
    expect(seen.ending).toBe("ECONNRESET");
    expect(Number(seen.headers["content-length"])).toBe(Buffer.byteLength(seen.text) + 10);
  });

  it("announces fewer bytes than it sends, so that the client gets broken JSON", async () => {
    const { text } = await failing("wrong-length:-10").catch((error: unknown) => ({
      text: String(error),
    }));
    expect(isJson(text)).toBe(false);
  });

  it("cuts JSON short, cleanly or with a broken connection", async () => {
    const truncated = await failing("truncate:20");
    expect(truncated).toMatchObject({ status: 200, ending: "end" });
    expect(truncated.text).toHaveLength(20);
    expect(await failing("break-after:20")).toMatchObject({ ending: "ECONNRESET" });
    expect((await failing("malformed:20")).text).toHaveLength(20);
  });

  it("keeps usage to itself, in JSON and in a stream that asked for it", async () => {
    expect(JSON.parse((await failing("no-usage")).text)).not.toHaveProperty("usage");
    const asked = { stream: true, stream_options: { include_usage: true } };
    const { text } = await failing("no-usage", { body: asked });
    expect(text).not.toContain("prompt_tokens");
    expect(eventsIn(text).at(-1)).toBe("[DONE]");
    const response = await failing("no-usage", { path: "/v1/responses", body: { input: "x" } });
    expect(JSON.parse(response.text)).toMatchObject({ status: "completed", usage: null });
  });

  it("fails a poll of a response, too", async () => {
    const created = await chat(models.url, { path: "/v1/responses", body: { input: "x" } });
    const url = `${models.url}/v1/responses/${JSON.parse(created.text).id}`;
    const headers = { "x-sim-fault": "status:502,fail:1" };
    expect((await fetch(url, { headers })).status).toBe(502);
    expect((await fetch(url, { headers })).status).toBe(200);
  });

  it("lets a background response fail", async () => {
    const client = new OpenAI({ baseURL: `${models.url}/v1`, apiKey: "none", maxRetries: 0 });
    const { id } = await client.responses.create(
      { model: "gpt-5", input: "x", background: true },
      { headers: { "x-sim-fault": "background-failure" } },
    );
    expect(await client.responses.retrieve(id)).toMatchObject({
      status: "failed",
      error: { code: "server_error" },
    });
  });

  it("takes its script from the model's name, also in Azure's paths", async () => {
    expect((await chat(models.url, { body: { model: "sim-status:418" } })).status).toBe(418);
    const path = "/openai/deployments/sim-status%3A418/chat/completions?api-version=2024-10-21";
    expect((await chat(models.url, { path })).status).toBe(418);
  });

  it("fails on one endpoint only, and spends its failures across all of them", async () => {
    const [first = "", second = ""] = models.urls;
    const headers = { "x-sim-fault": "status:500,on:2; status:501,fail:1" };
    const statuses = [];
    for (const url of [second, first, first, second]) {
      statuses.push((await chat(url, { headers })).status);
    }
    expect(statuses).toEqual([500, 501, 200, 500]);
  });

  it("refuses a script that it cannot read, and one that does not fit the call", async () => {
    const bad = await failing("explode");
    expect(bad.status).toBe(400);
    expect(errorIn(bad)).toMatchObject({ message: expect.stringContaining('"explode"') });
    expect((await failing("error-event:1")).status).toBe(400);
    expect((await failingStream("wrong-length:1")).status).toBe(400);
  });

  const lastCall = async (): Promise<{ outcome: string; endedAt: number | null }> => {
    const report = await fetch(`${models.url}/sim/calls`);
    const { calls } = (await report.json()) as {
      calls: { outcome: string; endedAt: number | null }[];
    };
    return calls.at(-1) ?? { outcome: "none", endedAt: null };
  };
  const lastOutcome = async (): Promise<string> => (await lastCall()).outcome;
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
