import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startBackend, type TestBackend } from "../support/backend.ts";
import { finishedJob } from "../support/job-client.ts";
import { makeDataDir, startStack, type TestStack } from "../support/stack.ts";
import { until } from "../support/until.ts";

const ANN = { "X-UserID": "ann", "api-key": "of-ann" };
const LINES = 250;
const USED = { model: "gpt-5", usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 } };

let backend: TestBackend;
let stack: TestStack;
let dataDir: string;
let env: Record<string, string>;
/** Answers that wait, while the backend holds what comes. */
let held: (() => void)[] | undefined;

interface OutputLine {
  readonly custom_id: string;
  readonly response: { readonly status_code: number; readonly body: unknown } | null;
  readonly error: { readonly code: string } | null;
}

beforeAll(async () => {
  backend = await startBackend(({ body, headers }, response) => {
    const { n } = JSON.parse(body.toString()) as { n: number };
    const status = n % 50 === 7 ? 422 : 200;
    const answer = (): void =>
      void response
        .writeHead(status, { "content-type": "application/json" })
        .end(
          JSON.stringify({ n, key: headers["api-key"], ...(status === 200 ? USED : {}) }, null, 2),
        );
    if (held) held.push(answer);
    else answer();
  });
  dataDir = makeDataDir();
  env = {
    Host1: `host=${backend.url};mode=direct;path=/`,
    GATEWAY_CREDENTIAL_KEY: Buffer.alloc(32, 7).toString("base64"),
  };
  stack = await startStack({ env, dataDir });
});
afterAll(async () => {
  for (const answer of held ?? []) answer();
  await stack?.[Symbol.asyncDispose]();
  await backend?.[Symbol.asyncDispose]();
});

const lineOf = (n: number): object => ({
  custom_id: `line-${n}`,
  method: "POST",
  url: "/v1/chat/completions",
  body: { n },
});

const fileOf = (lines: number): string =>
  Array.from({ length: lines }, (_, n) => JSON.stringify(lineOf(n))).join("\n");

function post(body: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${stack.url}/jobs/batch`, {
    method: "POST",
    headers: { ...ANN, "content-type": "application/jsonl", ...headers },
    body,
  });
}

async function accept(body: string, headers: Record<string, string> = {}): Promise<string> {
  const response = await post(body, headers);
  expect([response.status, await response.text()]).toEqual([202, expect.any(String)]);
  return response.headers.get("location") ?? "";
}

async function fileAt(path: string): Promise<OutputLine[]> {
  const text = await until(
    async () => {
      const response = await fetch(`${stack.url}${path}`, { headers: ANN });
      return response.status === 200 ? response.text() : undefined;
    },
    60_000,
    `The file ${path}`,
  );
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as OutputLine);
}

const idsOf = (lines: readonly OutputLine[]): string[] => lines.map((line) => line.custom_id);
const wanted = (isOk: boolean): string[] =>
  Array.from({ length: LINES }, (_, n) => n)
    .filter((n) => (n % 50 !== 7) === isOk)
    .map((n) => `line-${n}`);
const viewOf = async (location: string) =>
  (await fetch(`${stack.url}${location}`, { headers: ANN })).json() as Promise<{
    state: string;
    request_counts: object;
  }>;

describe("a batch", () => {
  it("refuses a file with a bad line as a whole, and says which line", async () => {
    const good = JSON.stringify(lineOf(1));
    for (const [file, detail] of [
      [`${good}\n{"custom_id": 1}\n`, "Line 2 needs a custom_id"],
      [`${good}\n\n${good}\n`, "Line 3 has the custom_id of line 1"],
      ["", "no lines"],
      [
        JSON.stringify({ ...lineOf(1), url: "/jobs/batch" }),
        "Line 1 asks for a path of the gateway",
      ],
    ] as const) {
      const response = await post(file);
      const problem = (await response.json()) as { code: string; detail: string };
      expect([response.status, problem.code]).toEqual([400, "bad-request"]);
      expect(problem.detail).toContain(detail);
    }
    expect(backend.seen).toHaveLength(0);
  });

  it("survives kill -9 in the middle, and has each line once and in order in one of two files", async () => {
    held = [];
    const location = await accept(fileOf(LINES));
    await expect.poll(() => held?.length ?? 0, { timeout: 60_000 }).toBeGreaterThan(0);
    const waiting = held;
    held = undefined;
    for (const answer of waiting) answer();
    await until(
      async () => {
        const { request_counts: counts } = await viewOf(location);
        return Object(counts).completed > 0 ? true : undefined;
      },
      60_000,
      "Progress",
    );
    await stack.crash();
    stack = await startStack({ env, dataDir });
    const job = await finishedJob(stack.url, location, { headers: ANN, withinMs: 180_000 });
    expect(job).toMatchObject({
      state: "succeeded",
      request_counts: { total: LINES, completed: LINES - 5, failed: 5 },
      usage: {
        provenance: "reported",
        model: "gpt-5",
        tokens: { totalTokens: 3 * (LINES - 5), outputTokens: 2 * (LINES - 5) },
      },
    });
    const [output, errors] = [
      await fileAt(`${location}/result`),
      await fileAt(`${location}/errors`),
    ];
    expect(idsOf(output)).toEqual(wanted(true));
    expect(idsOf(errors)).toEqual(wanted(false));
    expect(output[0]).toMatchObject({
      error: null,
      response: { status_code: 200, body: { n: 0, key: "of-ann" } },
    });
    expect(errors[0]?.response?.status_code).toBe(422);
  });

  it("keeps what is done when it is cancelled", async () => {
    held = [];
    const location = await accept(fileOf(60));
    await expect.poll(() => held?.length ?? 0, { timeout: 60_000 }).toBeGreaterThanOrEqual(8);
    for (const answer of held.splice(0, 3)) answer();
    const cancelled = await until(
      async () => {
        const { request_counts: counts } = await viewOf(location);
        if (Object(counts).completed < 3) return undefined;
        return fetch(`${stack.url}${location}`, { method: "DELETE", headers: ANN });
      },
      60_000,
      "Three lines",
    );
    expect(((await cancelled.json()) as { state: string }).state).toBe("cancelled");
    const [output, errors] = [
      await fileAt(`${location}/result`),
      await fileAt(`${location}/errors`),
    ];
    expect(output.length).toBeGreaterThanOrEqual(3);
    expect(output.length + errors.length).toBe(60);
    expect(errors.filter(({ error }) => error?.code === "batch_cancelled")).not.toEqual([]);
    for (const answer of held.splice(0)) answer();
    held = undefined;
  });

  it("is nobody else's", async () => {
    const location = await accept(fileOf(1));
    await finishedJob(stack.url, location, { headers: ANN });
    const ben = { headers: { "X-UserID": "ben" } };
    expect((await fetch(`${stack.url}${location}/errors`, ben)).status).toBe(404);
  });
});
