import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startBackend, type TestBackend } from "../support/backend.ts";
import { eventually } from "../support/eventually.ts";
import { finishedJob } from "../support/job-client.ts";
import { makeDataDir, OPERATOR_KEY, startStack, type TestStack } from "../support/stack.ts";

const SECRETS = {
  authorization: "authorization-7c1e9a55f0d2",
  apiKey: "api-key-3b8d41f7a960",
  cookie: "cookie-91d0e7c4b2a8",
  query: "in-the-query-5fa2c80d317e",
  code: "function-code-c04b6e12d98f",
} as const;

const HEADERS = {
  authorization: `Bearer ${SECRETS.authorization}`,
  "api-key": SECRETS.apiKey,
  cookie: `session=${SECRETS.cookie}`,
  "x-operator-key": OPERATOR_KEY,
  "x-plain": "no-secret-84d2b6f01c37",
};
const QUERY = `api-version=1&api-key=${SECRETS.query}&code=${SECRETS.code}`;
const USAGE = { prompt_tokens: 11, completion_tokens: 22, total_tokens: 33 };

let backend: TestBackend;
let flaky: TestBackend;
let stack: TestStack;
let dataDir: string;

beforeAll(async () => {
  backend = await startBackend(({ target }, response) => {
    if (target.startsWith("/cut")) response.destroy();
    else if (target.startsWith("/fail")) response.writeHead(500).end("broken");
    else {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ model: "gpt-4o", usage: USAGE }));
    }
  });
  flaky = await startBackend((_, response) => void response.writeHead(500).end("no"));
  dataDir = makeDataDir();
  stack = await startStack({
    dataDir,
    env: {
      Host1: `host=${flaky.url};path=/v90;mode=direct;stripprefix=false`,
      Host2: `host=${backend.url};path=/v90;mode=direct;stripprefix=false;weight=0`,
      Host3: `host=${backend.url};mode=direct`,
      LoadBalanceMode: "roundrobin",
      GATEWAY_SYNC_MODE: "queued",
      GATEWAY_MESSAGING_INLINE_BYTES: "10",
      LOG_LEVEL: "Information",
    },
  });
});
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  await backend?.[Symbol.asyncDispose]();
  await flaky?.[Symbol.asyncDispose]();
  rmSync(dataDir, { recursive: true, force: true });
});

const post = (path: string, headers: Record<string, string> = {}, body: object = {}) =>
  fetch(`${stack.url}${path}?${QUERY}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...HEADERS, ...headers },
    body: JSON.stringify({ model: "gpt-4o", messages: [], ...body }),
  });

type Event = Record<string, unknown>;
const events = (name: string): Event[] =>
  stack
    .output()
    .split("\n")
    .flatMap((line) => {
      const json = /\{"(?:level|event)":.*\}/.exec(line)?.[0];
      return json ? [JSON.parse(json) as Event] : [];
    })
    .filter(({ event }) => event === name);

describe.each([
  ["directly", { stream: true }],
  ["through a lane", {}],
])("V90: a request that is served %s", (_way, body) => {
  it("leaves one record, and one of each attempt, linked by its id", async () => {
    const before = events("request.ended").length;
    const answer = await post("/v90", { "X-UserID": "ann", S7PPriorityKey: "12345" }, body);
    expect(answer.status).toBe(200);
    await answer.text();
    await eventually(() => events("request.ended").length).toBe(before + 1);
    const [record] = events("request.ended").slice(before);
    expect(record).toMatchObject({
      user: "ann",
      priority: 1,
      status: 200,
      attempts: 2,
      backend: "Host2",
      waitMs: expect.any(Number),
      totalMs: expect.any(Number),
      tokens: { inputTokens: 11, outputTokens: 22, totalTokens: 33 },
    });
    const attempts = () =>
      events("attempt.ended").filter(({ requestId }) => requestId === record?.["requestId"]);
    await eventually(() => attempts().length).toBe(2);
    expect(attempts()).toMatchObject([
      { attempt: 1, backend: "Host1", status: 500 },
      { attempt: 2, backend: "Host2", status: 200 },
    ]);
  });
});

describe("V92: a secret that a client sends", () => {
  it("is in no log, event, error page or stored state, whichever way it is served", async () => {
    const pages: string[] = [];
    const asked: Parameters<typeof post>[] = [
      ["/queued"],
      ["/direct", {}, { stream: true }],
      ["/fail"],
      ["/cut"],
      ["/refused", { S7PTTL: "soon" }],
      ["/kept", { "Idempotency-Key": "once" }],
      ["/kept", { "Idempotency-Key": "once" }],
    ];
    for (const request of asked) pages.push(await (await post(...request)).text());
    for (const [path, ttl] of [
      ["/job", "300"],
      ["/fail", "20"],
    ] as const) {
      const accepted = await post(path, { S7PAsyncMode: "true", S7PTTL: ttl });
      expect(accepted.status).toBe(202);
      pages.push(JSON.stringify([...accepted.headers]), await accepted.text());
      const location = accepted.headers.get("location") ?? "";
      pages.push(JSON.stringify(await finishedJob(stack.url, location)));
    }
    // They reach the backend all the same.
    const job = backend.seen.find(({ target }) => target.startsWith("/job"));
    expect(job?.target).toBe(`/job?${QUERY}`);
    expect(job?.headers.authorization).toBe(HEADERS.authorization);
    expect(job?.headers["x-operator-key"]).toBeUndefined();

    expect(found(pages.join("\n"))).toEqual([]);
    expect(await stack.stop()).toBe(0);
    expect(found(stack.output())).toEqual([]);
    // What is no secret is found where the secrets are not: the search is in the right place.
    const hasPlain = (file: string) => readFileSync(file, "latin1").includes(HEADERS["x-plain"]);
    expect(filesIn(dataDir).filter(hasPlain)).not.toEqual([]);
    const leaks = filesIn(dataDir).flatMap((file) =>
      found(readFileSync(file, "latin1")).map((secret) => `${file}: ${secret}`),
    );
    expect(leaks).toEqual([]);
  });
});

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());

/** The secrets that a text holds, plainly or in base64, however that is aligned. */
function found(text: string): string[] {
  return [...Object.values(SECRETS), OPERATOR_KEY].filter((secret) =>
    [secret, ...base64Forms(secret)].some((form) => text.includes(form)),
  );
}

function base64Forms(secret: string): string[] {
  return [0, 1, 2].map((shift) => {
    const text = Buffer.from(`${" ".repeat(shift)}${secret}`).toString("base64");
    // What depends on the neighbours is left out: the first and the last group of four.
    return text.slice(4, -4);
  });
}
