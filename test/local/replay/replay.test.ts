import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { drawTrace } from "../../../local/replay/drawn-trace.ts";
import { checkReachable, connectGateway } from "../../../local/replay/gateway.ts";
import { HttpFetch } from "../../../local/replay/http-fetch.ts";
import type { Mix } from "../../../local/replay/mix.ts";
import { type ReplayPlan, replay } from "../../../local/replay/replay.ts";
import { Tally } from "../../../local/replay/tally.ts";
import { StartError } from "../../../local/service.ts";
import { systemClock } from "../../../shared/core/clock.ts";
import { chunk, FakeGateway, json, writeEvents } from "./fake-gateway.ts";

const THIRDS: Mix = { stream: 0.4, queued: 0.3, async: 0.3 };
const only = (mode: keyof Mix): Mix => ({ stream: 0, queued: 0, async: 0, [mode]: 1 });

describe("a replay", () => {
  let fake: FakeGateway;
  let http: HttpFetch;
  let stopping: AbortController;

  beforeEach(async () => {
    fake = new FakeGateway();
    await fake.listen();
    http = new HttpFetch();
    stopping = new AbortController();
  });

  afterEach(async () => {
    http.close();
    await fake.close();
  });

  async function run(patch: Partial<ReplayPlan>): Promise<Tally> {
    const gateway = connectGateway(
      { url: fake.url, model: "m", speed: 60 },
      { clock: systemClock, http },
    );
    const plan: ReplayPlan = {
      rows: drawTrace(1),
      speed: 10_000,
      limit: 1,
      mix: THIRDS,
      seed: 1,
      stop: stopping.signal,
      ...patch,
    };
    const tally = new Tally();
    await replay(gateway, plan, tally);
    return tally;
  }

  const failuresOf = async (mode: keyof Mix): Promise<[kind: string, example: string][]> => {
    const { failures } = await run({ mix: only(mode) });
    return failures.map(({ kind, example }) => [kind, example]);
  };

  it("sends every request of the mix and sees all of them answered", async () => {
    const tally = await run({ limit: 60 });
    expect(tally.failures).toEqual([]);
    expect(tally.total()).toMatchObject({ sent: 60, answered: 60, failed: 0 });
    const asked = (mode: keyof Mix): number => tally.mode(mode).sent;
    expect(fake.chats.filter(({ body }) => body["stream"])).toHaveLength(asked("stream"));
    expect(fake.chats.filter(({ headers }) => headers["s7pasyncmode"])).toHaveLength(
      asked("async"),
    );
    expect(asked("queued")).toBeGreaterThan(5);
    expect(tally.total().outputTokens).toBeGreaterThan(60 * 7);
    expect(new Set(tally.waits.map(({ mode, source }) => `${mode}: ${source}`))).toEqual(
      new Set(["stream: first byte", "queued: queue header", "async: job start"]),
    );
  });

  it("asks for the trace's sizes, with the keys and users of the plan", async () => {
    await run({ limit: 40 });
    const rows = drawTrace(1);
    for (const row of [...Array(40)].map(() => rows.next().value)) {
      const chat = fake.chats.find(({ body }) => body["max_tokens"] === row.generatedTokens);
      expect(chat?.headers["x-sim-output-tokens"]).toBe(String(row.generatedTokens));
      expect(chat?.headers["x-sim-speed"]).toBe("60");
    }
    const prompts = fake.chats.map(({ body }) => JSON.stringify(body["messages"]).length);
    expect(Math.max(...prompts)).toBeGreaterThan(2000 * 4);
    const keys = new Set(fake.chats.map(({ headers }) => headers["s7pprioritykey"]));
    expect(keys).toEqual(new Set(["12345", undefined, "234"]));
    expect(fake.chats.every(({ headers }) => /^replay-\d\d$/.test(`${headers["x-userid"]}`))).toBe(
      true,
    );
  });

  it("reads the waits that the gateway states", async () => {
    const { waits } = await run({ mix: only("queued") });
    expect(waits).toMatchObject([{ mode: "queued", source: "queue header" }]);
    expect(waits[0]?.waits.percentile(1)).toBe(12);
  });

  it("polls a job as its own user until it has ended and takes the wait from its times", async () => {
    const tally = await run({ mix: only("async") });
    const paths = fake.seen.map(({ method, path }) => `${method} ${path.split("/").length}`);
    expect(paths).toEqual(["POST 4", "GET 3", "GET 3", "GET 3", "GET 4"]);
    expect(tally.mode("async")).toMatchObject({ answered: 1, outputTokens: 7 });
    expect(tally.waits[0]?.waits.percentile(1)).toBe(250);
  });

  it("follows a request that the gateway makes a job of while it waits", async () => {
    fake.answerWith(({ path, headers }, response) => {
      if (path !== "/v1/chat/completions") return false;
      json(response, 202, {}, { location: `/jobs/j-${headers["x-userid"]}`, "retry-after": "0" });
      return true;
    });
    const promoted = await run({ mix: only("queued") });
    expect(promoted.mode("queued").answered).toBe(1);
    expect(promoted.promoted).toBe(1);
  });

  it.each([
    ["stream", 429, { code: "queue-full", detail: "Full." }, "429 queue-full", "Full."],
    ["queued", 503, { error: { code: "overloaded", message: "Busy." } }, "503 overloaded", "Busy."],
    ["queued", 200, { object: "list" }, "no chat completion", '{"object":"list"}'],
    ["async", 200, { object: "chat.completion" }, "200 instead of 202", "answered 200"],
    ["async", 202, {}, "202 without Location", "names no job"],
  ] as const)(
    "counts a %s request answered %i as failed",
    async (mode, status, body, kind, text) => {
      fake.answerWith((_, response) => {
        json(response, status, body);
        return true;
      });
      const failures = await failuresOf(mode);
      expect(failures).toEqual([[kind, expect.stringContaining(text)]]);
      expect(fake.seen).toHaveLength(1);
    },
  );

  it("tells a stream that is cut from one that ends", async () => {
    fake.answerWith((_, response) => {
      writeEvents(response, [chunk({ content: "Hel" })]);
      response.end("data: [DONE]\n\n");
      return true;
    });
    expect((await failuresOf("stream"))[0]?.[0]).toBe("stream cut short");
    fake.answerWith((_, response) => {
      writeEvents(response, [chunk({ content: "Hel" })]);
      setImmediate(() => response.destroy());
      return true;
    });
    expect((await failuresOf("stream"))[0]?.[0]).toBe("connection ECONNRESET");
    fake.answerWith((_, response) => {
      writeEvents(response, [{ error: { code: "backend-failed", message: "Gone." } }]);
      response.end();
      return true;
    });
    expect((await failuresOf("stream"))[0]?.[0]).toBe("stream error backend-failed");
  });

  it.each([
    [
      { state: "failed", error: { code: "backend-failed", detail: "Gone." } },
      "job failed backend-failed",
    ],
    [{ state: "expired" }, "job expired no code"],
    [{ status: "done" }, "no job"],
  ])("counts a job that ends as %j as failed", async (view, kind) => {
    fake.answerWith(({ path }, response) => {
      if (path.startsWith("/jobs/")) json(response, 200, view);
      return path.startsWith("/jobs/");
    });
    expect((await failuresOf("async"))[0]?.[0]).toBe(kind);
  });

  it("sends what is due although nothing is answered, and gives up all when it is stopped", async () => {
    fake.answerWith(() => {
      if (fake.seen.length === 5) stopping.abort();
      return true;
    });
    const tally = await run({ limit: 5 });
    expect(tally.total()).toMatchObject({ sent: 5, answered: 0, failed: 0 });
    expect(tally.interrupted).toBe(5);
  });

  it("stops in the middle of a silence of the trace", async () => {
    const row = { contextTokens: 1, generatedTokens: 1 };
    fake.answerWith(() => {
      stopping.abort();
      return false;
    });
    const rows = [
      { ...row, atMs: 0 },
      { ...row, atMs: 86_400_000 },
    ];
    expect((await run({ rows, speed: 1, limit: 2 })).total().sent).toBe(1);
  });

  it("sees through what it has sent when the trace breaks off, and says where", async () => {
    const rows = (function* () {
      yield { atMs: 0, contextTokens: 1, generatedTokens: 9 };
      throw new StartError("trace.csv, line 3: no row.");
    })();
    const gateway = connectGateway({ url: fake.url, model: "m" }, { clock: systemClock, http });
    const options = { speed: 1, limit: 9, seed: 1, mix: THIRDS, stop: stopping.signal };
    const result = await replay(gateway, { ...options, rows }, new Tally());
    expect(result.problem?.message).toBe("trace.csv, line 3: no row.");
    expect(result.tally.total()).toMatchObject({ sent: 1, answered: 1 });
  });

  it("counts a gateway that has gone as refused connections", async () => {
    // Nothing listens on port 1, and no user program may.
    const url = "http://127.0.0.1:1";
    const gateway = connectGateway({ url, model: "m" }, { clock: systemClock, http });
    const plan = { rows: drawTrace(1), speed: 1e6, limit: 3, seed: 1, mix: THIRDS };
    const tally = new Tally();
    await replay(gateway, { ...plan, stop: stopping.signal }, tally);
    expect(tally.failures).toMatchObject([{ kind: "connection ECONNREFUSED", count: 3 }]);
    await expect(checkReachable(url, http)).rejects.toThrow(
      /^No gateway answers at http:\/\/127.0.0.1:1 \(.*ECONNREFUSED.*\)\. Start one with "npm start"/,
    );
  });
});
