import { rmSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startBackend, type TestBackend } from "../support/backend.ts";
import { finishedJob } from "../support/job-client.ts";
import { makeDataDir, startStack, type TestStack } from "../support/stack.ts";

const WAIT = { timeout: 60_000, interval: 50 };

let backend: TestBackend;
let stack: TestStack;
let dataDir: string;
/** Streams that the backend has begun, newest last; a test feeds them. */
const streams: ServerResponse[] = [];

const env = (): Record<string, string> => ({
  Host1: `host=${backend.url};mode=direct`,
  GATEWAY_JOBS_RECONCILE_SECONDS: "2",
});

beforeAll(async () => {
  dataDir = makeDataDir();
  backend = await startBackend((_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.flushHeaders();
    streams.push(response);
  });
  stack = await startStack({ dataDir, env: env() });
});
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  await backend?.[Symbol.asyncDispose]();
  rmSync(dataDir, { recursive: true, force: true });
});

const chunkOf = (text: string): string =>
  `data: ${JSON.stringify({ object: "chat.completion.chunk", choices: [{ delta: { content: text } }] })}\n\n`;
const END = "data: [DONE]\n\n";

async function acceptStream(): Promise<string> {
  const accepted = await fetch(`${stack.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", S7PAsyncMode: "true", Prefer: "respond-async" },
    body: JSON.stringify({ model: "m", stream: true, messages: [] }),
  });
  expect(accepted.status).toBe(202);
  await accepted.body?.cancel();
  return accepted.headers.get("location") ?? "";
}

interface Follower {
  text(): string;
  lastId(): string;
  readonly over: Promise<void>;
}

async function follow(location: string, lastId = ""): Promise<Follower> {
  const headers: Record<string, string> = lastId === "" ? {} : { "last-event-id": lastId };
  const response = await fetch(`${stack.url}${location}/stream`, { headers });
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  let text = "";
  const decoder = new TextDecoder();
  const read = async (): Promise<void> => {
    for await (const bytes of response.body ?? []) text += decoder.decode(bytes, { stream: true });
  };
  // A stack that is killed breaks it off.
  const over = read().catch(() => {});
  return {
    text: () => text,
    lastId: () => [...text.matchAll(/^id: (.*)$/gm)].at(-1)?.[1] ?? "",
    over,
  };
}

/** What a client makes of a stream: its events' data, without names and ids. */
const dataIn = (text: string): string[] =>
  [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => data ?? "");
const dataOf = (text: string): string => chunkOf(text).slice("data: ".length).trimEnd();

async function begun(count: number): Promise<ServerResponse> {
  await expect.poll(() => streams.length, WAIT).toBe(count);
  const stream = streams.at(-1);
  if (!stream) throw new Error("The backend was not asked.");
  return stream;
}

describe("a streaming job", () => {
  it("is followed live by many, from any point, and kept with its exact bytes", async () => {
    const location = await acceptStream();
    const first = await follow(location);
    const source = await begun(1);
    source.write(chunkOf("one"));
    await expect.poll(() => dataIn(first.text()), WAIT).toEqual([dataOf("one")]);
    source.write(chunkOf("two"));
    await expect.poll(() => dataIn(first.text()), WAIT).toHaveLength(2);
    const [again, behind] = await Promise.all([follow(location), follow(location, first.lastId())]);
    source.write(chunkOf("three"));
    source.end(END);
    await Promise.all([first.over, again.over, behind.over]);
    const all = [dataOf("one"), dataOf("two"), dataOf("three"), "[DONE]"];
    for (const reader of [first, again]) expect(dataIn(reader.text()).slice(0, -1)).toEqual(all);
    expect(dataIn(behind.text()).slice(0, -1)).toEqual(all.slice(2));
    expect(first.text()).toMatch(/event: job\.ended\nid: 1-end\ndata: \{.*"succeeded"\}\n\n$/);
    const result = await fetch(`${stack.url}${location}/result`);
    expect(await result.text()).toBe(
      [chunkOf("one"), chunkOf("two"), chunkOf("three"), END].join(""),
    );
    const over = await fetch(`${stack.url}${location}/stream`, {
      headers: { "last-event-id": "1-end" },
    });
    expect(over.status).toBe(204);
  });

  it("goes on over kill -9 of everything, and shows nobody two attempts in one", async () => {
    const location = await acceptStream();
    const before = await follow(location);
    const broken = await begun(2);
    broken.write(chunkOf("lost"));
    await expect.poll(() => dataIn(before.text()), WAIT).toEqual([dataOf("lost")]);
    await stack.crash();
    await before.over;
    stack = await startStack({ dataDir, env: env() });
    const after = await follow(location, before.lastId());
    const source = await begun(3);
    source.write(chunkOf("new"));
    await expect.poll(() => after.text(), WAIT).toContain(dataOf("new"));
    expect(after.text()).toMatch(/^event: stream\.restart\nid: 2-0\n/m);
    source.end(END);
    await after.over;
    const job = await finishedJob(stack.url, location);
    expect(job.state).toBe("succeeded");
    const result = await fetch(`${stack.url}${location}/result`);
    expect(await result.text()).toBe(`${chunkOf("new")}${END}`);
    expect(after.text()).not.toContain("lost");
  });
});
