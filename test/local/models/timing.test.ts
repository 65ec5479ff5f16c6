import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type RunningModels, startModels } from "../../../local/models/index.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { CHAT_BODY, chat, eventsIn, eventually, textEventsIn } from "./chat-client.ts";

const SETTINGS = {
  ttftMs: 500,
  ttftSigma: 0,
  tokensPerSecond: 10,
  tokensPerSecondSigma: 0,
  outputTokens: 5,
  outputTokensSigma: 0,
};

describe("the timing of a simulated model", () => {
  let models: RunningModels;
  let clock: FakeClock;

  beforeEach(async () => {
    clock = new FakeClock();
    models = await startModels({ port: 0, endpoints: 1, settings: SETTINGS, clock });
  });

  afterEach(() => models.close());

  const waiting = async (count = 1): Promise<void> => {
    await eventually(() => clock.pending).toBe(count);
  };

  it("sends the first token after its time, and the others at the model's speed", async () => {
    const response = fetch(`${models.url}/v1/chat/completions`, {
      method: "POST",
      body: JSON.stringify({ ...CHAT_BODY, stream: true }),
    });
    await waiting();
    await clock.advance(500);
    let text = "";
    const read = (async () => {
      for await (const chunk of (await response).body ?? []) text += Buffer.from(chunk).toString();
    })();
    for (let tokens = 1; tokens <= 5; tokens++) {
      await eventually(() => textEventsIn(text)).toBe(tokens);
      if (tokens === 5) break;
      await waiting();
      await clock.advance(99);
      expect(clock.pending).toBe(1);
      await clock.advance(1);
    }
    await read;
    expect(eventsIn(text).at(-1)).toBe("[DONE]");
    expect(clock.pending).toBe(0);
  });

  it("hurries by the factor that a call asks for", async () => {
    const answer = fetch(`${models.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "x-sim-speed": "100" },
      body: JSON.stringify(CHAT_BODY),
    });
    await waiting();
    // 500 ms and four gaps of 100 ms, a hundred times faster.
    await clock.advance(9);
    expect((await answer).status).toBe(200);
    expect(clock.pending).toBe(0);
  });

  it("answers JSON when the last token would have come", async () => {
    let isAnswered = false;
    const answer = chat(models.url).then((seen) => {
      isAnswered = true;
      return seen;
    });
    await waiting();
    await clock.advance(899);
    expect(clock.pending).toBe(1);
    expect(isAnswered).toBe(false);
    await clock.advance(1);
    expect((await answer).status).toBe(200);
  });

  it("follows the headers of a call, and needs no timers at zero", async () => {
    const headers = { "x-sim-ttft-ms": "0", "x-sim-tokens-per-second": "0" };
    const seen = await chat(models.url, { headers: { ...headers, "x-sim-output-tokens": "3" } });
    expect(JSON.parse(seen.text).usage.completion_tokens).toBe(3);
    expect(clock.pending).toBe(0);
  });

  it("refuses a header that is no number", async () => {
    for (const name of ["x-sim-ttft-ms", "x-sim-tokens-per-second", "x-sim-output-tokens"]) {
      const seen = await chat(models.url, { headers: { [name]: "soon" } });
      expect(seen.status).toBe(400);
      expect(seen.text).toContain(name);
    }
  });

  it("waits with an error for as long as the call says", async () => {
    const failing = chat(models.url, {
      headers: { "x-sim-fault": "status:500", "x-sim-ttft-ms": "70" },
    });
    await waiting();
    await clock.advance(70);
    expect((await failing).status).toBe(500);
  });

  it("stops at once, and counts it, when the client leaves", async () => {
    const client = new AbortController();
    const left = chat(models.url, { body: { stream: true }, signal: client.signal });
    await waiting();
    client.abort();
    await expect(left).rejects.toThrow("aborted");
    await waiting(0);
    const report = await (await fetch(`${models.url}/sim/calls`)).json();
    expect(report).toMatchObject({
      inFlight: 0,
      calls: [{ outcome: "client-left", status: null }],
    });
  });

  it("moves a background response from queued to its end as time goes by", async () => {
    const created = await chat(models.url, { path: "/v1/responses", body: background });
    const { id, status } = JSON.parse(created.text);
    expect(status).toBe("queued");
    const statuses = [];
    for (const stepMs of [499, 1, 499, 1]) {
      await clock.advance(stepMs);
      statuses.push(await statusOf(id));
    }
    expect(statuses).toEqual(["queued", "in_progress", "in_progress", "completed"]);
    expect(clock.pending).toBe(0);
  });

  it("cancels a background response while it runs, and not after", async () => {
    const ids = [];
    for (let index = 0; index < 2; index++) {
      const created = await chat(models.url, { path: "/v1/responses", body: background });
      ids.push(JSON.parse(created.text).id);
    }
    const cancel = (id: string): Promise<Response> =>
      fetch(`${models.url}/v1/responses/${id}/cancel`, { method: "POST" });
    expect(await (await cancel(ids[0])).json()).toMatchObject({ status: "cancelled", output: [] });
    await clock.advance(10_000);
    expect(await (await cancel(ids[1])).json()).toMatchObject({ status: "completed" });
    expect(await statusOf(ids[0])).toBe("cancelled");
  });

  const background = { input: "x", background: true };
  const statusOf = async (id: string): Promise<string> => {
    const response = await fetch(`${models.url}/v1/responses/${id}`);
    return ((await response.json()) as { status: string }).status;
  };
});

describe("the choices of a simulated model", () => {
  const answers = async (seed: number): Promise<string[]> => {
    const clock = new FakeClock();
    const settings = { ttftMs: 0, tokensPerSecond: 0 };
    const models = await startModels({ port: 0, endpoints: 2, seed, settings, clock });
    const texts: string[] = [];
    for (const url of models.urls) texts.push((await chat(url)).text, (await chat(url)).text);
    await models.close();
    return texts;
  };
  const messages = (texts: string[]): unknown[] =>
    texts.map((text) => JSON.parse(text).choices[0].message.content);

  it("are the same to the byte in another run with the same seed", async () => {
    expect(await answers(7)).toEqual(await answers(7));
  });

  it("give one prompt one text on every endpoint, under ids of its own", async () => {
    const texts = await answers(7);
    expect(new Set(messages(texts)).size).toBe(1);
    expect(new Set(texts.map((text) => JSON.parse(text).id)).size).toBe(4);
  });

  it("differ with the seed", async () => {
    expect(messages(await answers(7))[0]).not.toEqual(messages(await answers(8))[0]);
  });
});
