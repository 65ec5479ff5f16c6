import { brotliDecompressSync, gunzipSync } from "node:zlib";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningModels, startModels } from "../../../local/models/index.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { CHAT_BODY, chat, eventually } from "./chat-client.ts";

const DECODE = { gzip: gunzipSync, br: brotliDecompressSync };

describe("an encoded answer", () => {
  let models: RunningModels;

  beforeAll(async () => {
    models = await startModels({ port: 0, settings: { ttftMs: 0, tokensPerSecond: 0 } });
  });

  afterAll(() => models.close());

  const post = (headers: Record<string, string>, body: object = {}): Promise<Response> =>
    fetch(`${models.url}/v1/chat/completions`, {
      method: "POST",
      headers,
      body: JSON.stringify({ ...CHAT_BODY, ...body }),
    });

  it.each(["gzip", "br"] as const)("in %s is what it is without, as JSON", async (encoding) => {
    const plain = JSON.parse((await chat(models.url)).text);
    const response = await post({ "x-sim-encoding": encoding });
    expect(response.headers.get("content-encoding")).toBe(encoding);
    expect(await response.json()).toMatchObject({ choices: plain.choices, usage: plain.usage });
  });

  it.each(["gzip", "br"] as const)("in %s is what it is without, as a stream", async (encoding) => {
    const client = new OpenAI({ baseURL: `${models.url}/v1`, apiKey: "none", maxRetries: 0 });
    const plain = JSON.parse((await chat(models.url)).text);
    const stream = await client.chat.completions.create(
      { model: "gpt-4o", messages: [{ role: "user", content: "Tell me." }], stream: true },
      { headers: { "x-sim-encoding": encoding } },
    );
    let text = "";
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
    expect(text).toBe(plain.choices[0].message.content);
  });

  it("has the length of its encoded bytes", async () => {
    for (const encoding of ["gzip", "br"] as const) {
      const seen = await chat(models.url, { headers: { "x-sim-encoding": encoding } });
      expect(seen.headers["content-length"]).toBe(String(seen.bytes.length));
      expect(JSON.parse(DECODE[encoding](seen.bytes).toString())).toHaveProperty("choices");
    }
  });

  it("breaks off after the chunks that it was told to send", async () => {
    const headers = { "x-sim-encoding": "gzip", "x-sim-fault": "break-after:2" };
    await expect((await post(headers, { stream: true })).text()).rejects.toThrow("terminated");
  });

  it("is refused by name when it is not known", async () => {
    const response = await post({ "x-sim-encoding": "zip" });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain("x-sim-encoding");
  });

  it("reaches the client chunk by chunk", async () => {
    const clock = new FakeClock();
    const settings = { ttftMs: 100, ttftSigma: 0, tokensPerSecond: 10, tokensPerSecondSigma: 0 };
    const slow = await startModels({ port: 0, endpoints: 1, settings, clock });
    const response = fetch(`${slow.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "x-sim-encoding": "gzip" },
      body: JSON.stringify({ ...CHAT_BODY, stream: true }),
    });
    await eventually(() => clock.pending).toBe(1);
    await clock.advance(100);
    const reader = (await response).body?.getReader();
    const first = await reader?.read();
    expect(Buffer.from(first?.value ?? []).toString()).toContain('"role":"assistant"');
    await reader?.cancel();
    await slow.close();
  });
});
