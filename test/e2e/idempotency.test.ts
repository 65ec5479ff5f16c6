import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startBackend, type TestBackend } from "../support/backend.ts";
import { startStack, type TestStack } from "../support/stack.ts";

let backend: TestBackend;
let stack: TestStack;
const held: (() => void)[] = [];

beforeAll(async () => {
  backend = await startBackend(({ target, body }, response) => {
    const answer = (): void => void response.end(`answer ${backend.seen.length} to ${body}`);
    if (target.startsWith("/held")) held.push(answer);
    else if (target.startsWith("/busy")) response.writeHead(429).end("later");
    else if (target.startsWith("/stream")) {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("data: one\n\n");
      response.end("data: [DONE]\n\n");
    } else answer();
  });
  stack = await startStack({ env: { Host1: `host=${backend.url};mode=direct` } });
});
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  await backend?.[Symbol.asyncDispose]();
});

const post = (path: string, key: string, { body = "question", user = "ann" } = {}) =>
  fetch(`${stack.url}${path}`, {
    method: "POST",
    body,
    headers: { "Idempotency-Key": key, "X-UserID": user },
  });
const callsTo = (path: string) => backend.seen.filter(({ target }) => target === path).length;

describe("an Idempotency-Key", () => {
  it("gives a repetition the first answer, with one call to the backend", async () => {
    const first = await (await post("/once", "key-1")).text();
    const again = await post("/once", "key-1");
    expect(await again.text()).toBe(first);
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    expect(callsTo("/once")).toBe(1);
  });

  it("lets repetitions join a request that still runs", async () => {
    const answers = [post("/held", "key-2"), post("/held", "key-2"), post("/held", "key-2")];
    await expect.poll(() => held.length, { timeout: 60_000 }).toBe(1);
    held[0]?.();
    const texts = await Promise.all(answers.map(async (answer) => (await answer).text()));
    expect(new Set(texts).size).toBe(1);
    expect(callsTo("/held")).toBe(1);
  });

  it("refuses another request under the same key", async () => {
    await post("/once", "key-3", { body: "one" });
    const other = await post("/once", "key-3", { body: "two" });
    expect(other.status).toBe(422);
    expect(await other.json()).toMatchObject({ code: "idempotency-key-reused" });
  });

  it("is the caller's own", async () => {
    const ann = await (await post("/mine", "key-4", { user: "ann" })).text();
    const ben = await (await post("/mine", "key-4", { user: "ben" })).text();
    expect(ben).not.toBe(ann);
  });

  it("is given back when the answer was one that a repetition may better", async () => {
    expect((await post("/busy", "key-5")).status).toBe(429);
    expect((await post("/busy", "key-5")).status).toBe(429);
    expect(callsTo("/busy")).toBe(2);
  });

  it("keeps a stream too", async () => {
    const first = await (await post("/stream", "key-6")).text();
    const again = await post("/stream", "key-6");
    expect(await again.text()).toBe(first);
    expect(again.headers.get("content-type")).toBe("text/event-stream");
    expect(callsTo("/stream")).toBe(1);
  });

  it("gives a repeated job the same job", async () => {
    const submit = () =>
      fetch(`${stack.url}/job`, {
        method: "POST",
        body: "work",
        headers: { "Idempotency-Key": "key-7", S7PAsyncMode: "true" },
      });
    const [first, again] = [await submit(), await submit()];
    expect(again.status).toBe(202);
    expect(again.headers.get("location")).toBe(first.headers.get("location"));
  });

  it("must be readable", async () => {
    const response = await post("/once", " ");
    // fetch trims the blank away: an empty key is no key.
    expect(response.status).toBe(400);
  });
});
