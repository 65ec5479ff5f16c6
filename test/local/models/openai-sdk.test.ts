import OpenAI, { AzureOpenAI } from "openai";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type RunningModels, startModels } from "../../../local/models/index.ts";

const QUICK = { ttftMs: 0, tokensPerSecond: 0, outputTokens: 20, outputTokensSigma: 0 };
async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

const MESSAGES = [{ role: "user" as const, content: "Say something about rivers." }];

describe("simulated models, through the openai package", () => {
  let models: RunningModels;
  let client: OpenAI;
  let azure: AzureOpenAI;

  beforeEach(async () => {
    models = await startModels({ port: 0, settings: QUICK });
    client = new OpenAI({ baseURL: `${models.url}/v1`, apiKey: "none", maxRetries: 0 });
    azure = new AzureOpenAI({
      endpoint: models.url,
      apiKey: "none",
      apiVersion: "2024-10-21",
      maxRetries: 0,
    });
  });

  afterEach(() => models.close());

  it("answers a chat completion with usage that adds up", async () => {
    const answer = await client.chat.completions.create({ model: "gpt-4o", messages: MESSAGES });
    expect(answer.choices[0]?.message.content?.length).toBeGreaterThan(20);
    expect(answer.choices[0]?.finish_reason).toBe("stop");
    expect(answer.usage).toMatchObject({
      prompt_tokens: 7,
      completion_tokens: 20,
      total_tokens: 27,
    });
  });

  it("streams the same text that it answers in one piece", async () => {
    const whole = await client.chat.completions.create({ model: "gpt-4o", messages: MESSAGES });
    const stream = await client.chat.completions.create({
      model: "gpt-4o",
      messages: MESSAGES,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = await collect(stream);
    const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");
    expect(text).toBe(whole.choices[0]?.message.content);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 20 } });
    expect(chunks.slice(0, -1).every((chunk) => chunk.usage === null)).toBe(true);
  });

  it("says nothing of usage in a stream that was not asked for it", async () => {
    const stream = await client.chat.completions.create({
      model: "gpt-4o",
      messages: MESSAGES,
      stream: true,
    });
    const chunks = await collect(stream);
    expect(chunks.every((chunk) => !("usage" in chunk))).toBe(true);
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe("stop");
  });

  it("cuts the answer at the caller's limit and says so", async () => {
    const answer = await client.chat.completions.create({
      model: "gpt-4o",
      messages: MESSAGES,
      max_completion_tokens: 5,
      n: 2,
    });
    expect(answer.choices.map((choice) => choice.finish_reason)).toEqual(["length", "length"]);
    expect(answer.usage?.completion_tokens).toBe(10);
    expect(answer.choices[0]?.message.content).not.toBe(answer.choices[1]?.message.content);
  });

  it("streams a response whose final event holds the whole text", async () => {
    const stream = await client.responses.create({ model: "gpt-5", input: "Hello", stream: true });
    const events = await collect(stream);
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index));
    const text = events
      .map((event) => (event.type === "response.output_text.delta" ? event.delta : ""))
      .join("");
    const final = events.at(-1);
    if (final?.type !== "response.completed") throw new Error(`ended with ${final?.type}`);
    expect(final.response.output[0]).toMatchObject({ content: [{ text }] });
    const stored = await client.responses.retrieve(final.response.id);
    expect(stored.output_text).toBe(text);
    expect(stored.usage).toMatchObject({ input_tokens: 2, output_tokens: 20, total_tokens: 22 });
  });

  it("keeps a background response until it is asked for", async () => {
    const queued = await client.responses.create({
      model: "gpt-5",
      input: "Hello",
      background: true,
      max_output_tokens: 3,
    });
    expect(queued.status).toBe("queued");
    const done = await client.responses.retrieve(queued.id);
    expect(done).toMatchObject({ status: "incomplete", usage: { output_tokens: 3 } });
  });

  it("answers embeddings in both encodings with the same vector", async () => {
    const input = ["one", "two"];
    const model = "text-embedding-3-small";
    const decoded = await client.embeddings.create({ model, input, dimensions: 8 });
    const plain = await client.embeddings.create({
      model,
      input,
      dimensions: 8,
      encoding_format: "float",
    });
    expect(decoded.data.map((one) => one.embedding)).toEqual(
      plain.data.map((one) => one.embedding),
    );
    expect(plain.data[0]?.embedding).not.toEqual(plain.data[1]?.embedding);
  });

  it("serves Azure's paths by deployment", async () => {
    const answer = await azure.chat.completions.create({
      model: "my-deployment",
      messages: MESSAGES,
    });
    expect(answer.model).toBe("my-deployment");
    const stream = await azure.chat.completions.create({
      model: "my-deployment",
      messages: MESSAGES,
      stream: true,
    });
    const chunks = await collect(stream);
    expect(chunks[0]).toMatchObject({ choices: [], prompt_filter_results: [{ prompt_index: 0 }] });
    const response = await azure.responses.create({ model: "gpt-5", input: "Hello" });
    expect(response.status).toBe("completed");
    const vectors = await azure.embeddings.create({ model: "embed", input: "one" });
    expect(vectors.data[0]?.embedding.length).toBe(1_536);
  });

  it("lists its models", async () => {
    const { data } = await client.models.list();
    expect(data.map((model) => model.id)).toContain("gpt-4o");
  });

  it("answers errors that the SDK can read", async () => {
    const noModel = client.post("/chat/completions", { body: { messages: MESSAGES } });
    await expect(noModel).rejects.toMatchObject({ status: 400, param: "model" });
    await expect(client.get("/nowhere")).rejects.toMatchObject({
      status: 404,
      code: "unknown_url",
    });
    await expect(client.responses.retrieve("resp_none")).rejects.toMatchObject({ status: 404 });
  });

  it("fails as often as its script says, and then answers", async () => {
    const retrying = new OpenAI({ baseURL: `${models.url}/v1`, apiKey: "none", maxRetries: 2 });
    const answer = await retrying.chat.completions.create(
      { model: "gpt-4o", messages: MESSAGES },
      { headers: { "x-sim-fault": "throttle:1,fail:1; reset,fail:1" } },
    );
    expect(answer.choices).toHaveLength(1);
    const report = await (await fetch(`${models.url}/sim/calls`)).json();
    expect(report).toMatchObject({
      total: 3,
      calls: [{ outcome: "fault:throttle" }, { outcome: "fault:reset" }, { outcome: "completed" }],
    });
  });
});
