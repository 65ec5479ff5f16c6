import OpenAI, { AzureOpenAI } from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { finishedJob } from "../support/job-client.ts";
import { startStack, type TestStack } from "../support/stack.ts";

const MESSAGES = [{ role: "user" as const, content: "Say hello in a few words." }];
const MODEL = "gpt-4o";

let stack: TestStack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack?.[Symbol.asyncDispose]());

const openai = () => new OpenAI({ baseURL: `${stack.url}/v1`, apiKey: "local", maxRetries: 0 });
const azure = () =>
  new AzureOpenAI({
    endpoint: stack.url,
    apiKey: "local",
    apiVersion: "2024-10-21",
    maxRetries: 0,
  });

describe.each([
  ["OpenAI", openai],
  ["AzureOpenAI", azure],
])("the %s client", (_name, makeClient) => {
  it("gets a plain chat completion", async () => {
    const answer = await makeClient().chat.completions.create({ model: MODEL, messages: MESSAGES });
    expect(answer.choices[0]?.message.content).toBeTruthy();
    expect(answer.usage?.total_tokens).toBeGreaterThan(0);
  });

  it("gets a stream whose chunks arrive while the answer is being made", async () => {
    // Made whole it would take longer than this test may.
    const stream = await makeClient().chat.completions.create(
      { model: MODEL, messages: MESSAGES, stream: true },
      { headers: { "x-sim-output-tokens": "10000", "x-sim-tokens-per-second": "20" } },
    );
    let chunks = 0;
    for await (const _chunk of stream) {
      chunks += 1;
      if (chunks === 4) break;
    }
    expect(chunks).toBe(4);
  });

  it("gets embeddings", async () => {
    const answer = await makeClient().embeddings.create({
      model: "text-embedding-3-small",
      input: ["one", "two"],
    });
    expect(answer.data.map((item) => item.index)).toEqual([0, 1]);
    expect(answer.data[0]?.embedding.length).toBeGreaterThan(0);
  });

  it.each([{ S7PAsyncMode: "true" }, { Prefer: "respond-async" }])(
    "gets 202 and a job with %o, and the job ends with the backend's answer",
    async (headers) => {
      const { data, response } = await makeClient()
        .chat.completions.create({ model: MODEL, messages: MESSAGES }, { headers })
        .withResponse();
      expect(response.status).toBe(202);
      const location = response.headers.get("location") ?? "";
      expect(location).toBe(`/jobs/${data.id}`);
      const job = await finishedJob(stack.url, location);
      expect(job.state).toBe("succeeded");
      const result = await fetch(`${stack.url}${location}/result`);
      expect(result.status).toBe(200);
      expect(await result.json()).toMatchObject({ object: "chat.completion", model: MODEL });
    },
  );
});

describe("a job's result", () => {
  it("has the exact bytes, status and headers of the backend's answer", async () => {
    const path = "/sim/bytes?count=3000000&seed=7";
    const direct = await fetch(`${stack.url}${path}`);
    const expected = Buffer.from(await direct.arrayBuffer());
    const accepted = await fetch(`${stack.url}${path}`, { headers: { S7PAsyncMode: "true" } });
    const location = accepted.headers.get("location") ?? "";
    await finishedJob(stack.url, location);
    const result = await fetch(`${stack.url}${location}/result`);
    expect(Buffer.from(await result.arrayBuffer()).equals(expected)).toBe(true);
    expect(expected.byteLength).toBe(3_000_000);
    expect(result.headers.get("content-type")).toBe(direct.headers.get("content-type"));
  });

  it("is its owner's alone", async () => {
    const accepted = await fetch(`${stack.url}/v1/models`, {
      headers: { S7PAsyncMode: "true", "X-UserID": "ann" },
    });
    const location = accepted.headers.get("location") ?? "";
    const asBen = await fetch(`${stack.url}${location}`, { headers: { "X-UserID": "ben" } });
    expect(asBen.status).toBe(404);
    const asAnn = await fetch(`${stack.url}${location}`, { headers: { "X-UserID": "ann" } });
    expect([200, 202]).toContain(asAnn.status);
  });
});

describe("a client that leaves", () => {
  it("ends the backend's work", async () => {
    const before = await clientLeftCount();
    const leaving = new AbortController();
    const response = await fetch(`${stack.url}/v1/chat/completions`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "x-sim-output-tokens": "10000",
        "x-sim-tokens-per-second": "20",
      },
      body: JSON.stringify({ model: "left-early", messages: MESSAGES, stream: true }),
      signal: leaving.signal,
    });
    await response.body?.getReader().read();
    leaving.abort();
    await eventually(() => clientLeftCount()).toBeGreaterThan(before);
  });
});

async function clientLeftCount(): Promise<number> {
  const answer = await fetch(`${stack.url}/sim/calls`);
  return (await answer.text()).split("client-left").length - 1;
}
