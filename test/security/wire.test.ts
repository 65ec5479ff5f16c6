import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { headOf, type RawBackend, startRawBackend } from "../support/raw-backend.ts";
import { connectTo, requestFor } from "../support/raw-client.ts";
import { startStack, type TestStack } from "../support/stack.ts";

let backend: RawBackend;
let stack: TestStack;

beforeAll(async () => {
  backend = await startRawBackend(({ socket }) => {
    socket.write(`${headOf("200 OK", "Content-Length: 2")}ok`);
  });
  stack = await startStack({
    env: {
      Host1: `host=${backend.origin}/base;mode=direct;path=/`,
      GATEWAY_SYNC_MODE: "direct",
      ...weakenedApp(),
    },
  });
});
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  await backend?.[Symbol.asyncDispose]();
});

/** The bundle under test is another one where the suite itself is tested (weakened/). */
function weakenedApp(): Record<string, string> {
  const { WEAKENED_APPS: apps, WEAKENED_ROLE: role } = process.env;
  return apps && role ? { LOCAL_PACKAGES: apps, LOCAL_ROLES: role } : {};
}

/** The status of the first answer to some bytes; 0 for a connection that ends without any. */
async function statusOf(text: string): Promise<number> {
  using client = await connectTo(stack.url);
  client.send(text);
  const answer = await client.until(/^HTTP\/1\.1 \d{3}.*\r\n\r\n/s).catch(() => client.received);
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
}

const headsAt = (marker: string): string[] =>
  backend.requests.map(({ text }) => text).filter((text) => text.includes(marker));

const post = (target: string, fields: readonly string[], body: string): string =>
  `${[`POST ${target} HTTP/1.1`, "Host: gateway.test", ...fields].join("\r\n")}\r\n\r\n${body}`;

const SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: gateway.test\r\n\r\n";

describe("a message that two readers could end in two places", () => {
  it.each<[string, readonly string[], string]>([
    ["two lengths", ["Content-Length: 5", "Content-Length: 0"], `hello${SMUGGLED}`],
    ["a list of lengths", ["Content-Length: 5, 0"], `hello${SMUGGLED}`],
    ["a length with a sign", ["Content-Length: +5"], "hello"],
    ["a length in another base", ["Content-Length: 0x5"], "hello"],
    [
      "a length beside chunks",
      ["Content-Length: 5", "Transfer-Encoding: chunked"],
      `0\r\n\r\n${SMUGGLED}`,
    ],
    ["chunks that are named twice", ["Transfer-Encoding: chunked, chunked"], `0\r\n\r\n`],
    ["an unknown coding", ["Transfer-Encoding: xchunked"], SMUGGLED],
    ["a coding that is spelled apart", ["Transfer-Encoding : chunked"], `0\r\n\r\n${SMUGGLED}`],
    ["a folded coding", ["Transfer-Encoding:", " chunked", "Content-Length: 5"], "hello"],
    ["a size that is no number", ["Transfer-Encoding: chunked"], `zz\r\nhello\r\n0\r\n\r\n`],
    ["a line that ends with a bare LF", ["X-A: 1\nContent-Length: 5"], "hello"],
    ["a zero byte in a name", ["X-\0A: 1", "Content-Length: 0"], ""],
    ["a zero byte in a value", ["X-A: 1\0", "Content-Length: 0"], ""],
    ["a blank in a name", ["X A: 1", "Content-Length: 0"], ""],
    ["a bare CR in a value", ["X-A: 1\rX-UserID: root", "Content-Length: 0"], ""],
  ])("is refused: %s", async (_, fields, body) => {
    expect(await statusOf(post("/refused-framing", fields, body))).toBe(400);
    // What comes on other connections is served; nothing of this got through.
    expect(await statusOf(requestFor("/after"))).toBe(200);
    expect(headsAt("refused-framing").concat(headsAt("smuggled"))).toEqual([]);
  });

  it("that is chunked goes to the backend with one length, and nothing that speaks of chunks", async () => {
    const fields = [
      "Transfer-Encoding: chunked",
      "Trailer: X-End",
      "TE: trailers",
      "X-Mark: framed",
    ];
    const body = `5;ext="${SMUGGLED.slice(0, 3)}"\r\nhello\r\n0\r\nX-End: 1\r\n\r\n`;
    expect(await statusOf(post("/framed", fields, body))).toBe(200);
    const [text = "", ...more] = headsAt("X-Mark: framed");
    expect(more).toEqual([]);
    expect(text.match(/^content-length:.*$/gim)).toEqual(["content-length: 5"]);
    expect(text).not.toMatch(/^(transfer-encoding|trailer|te|x-end):/im);
    expect(text.endsWith("\r\n\r\nhello")).toBe(true);
  });

  it("names its own host, and none that it asks for", async () => {
    const fields = ["X-Mark: hosted", "X-Forwarded-Host: evil.test", "X-Original-Host: evil.test"];
    expect(await statusOf(requestFor("http://evil.test/absolute", ...fields))).toBe(200);
    const [text = ""] = headsAt("X-Mark: hosted");
    expect(text.split("\r\n", 1)).toEqual(["GET /base/absolute HTTP/1.1"]);
    expect(text.match(/^host:.*$/gim)).toEqual([`host: 127.0.0.1:${backend.port}`]);
  });
});

describe("a path on the wire", () => {
  it.each(["/a/../b", "/a/%2e%2e/b", "/%2E./b", "/a/..%2fb", "/a\\..\\b", "/a/..;/b"])(
    "does not leave its host's base: %s",
    async (target) => {
      expect(await statusOf(requestFor(target, "X-Mark: dotted"))).toBe(404);
      expect(headsAt("X-Mark: dotted")).toEqual([]);
    },
  );

  it.each([
    "/operations/status",
    "//operations/status",
    "/operations//status",
    "/%6fperations/status",
    "/OPERATIONS/Status",
    "/operations/status/",
    "/operations%2fstatus",
    "/x/../operations/status",
    "http://127.0.0.1/operations/status",
    "/operations/status?x-operator-key=operator-of-the-tests",
    "/metrics",
    "/operations/dead-letters",
    "/admin/functions",
    "/ADMIN/host/status",
    "/runtime/webhooks/durabletask/instances",
    "/durabletask/instances",
  ])("leads nobody without a key to what operators see: %s", async (target) => {
    using client = await connectTo(stack.url);
    client.send(requestFor(target, "Connection: close"));
    const answer = await client.closed();
    // By its status, or by the answer of a backend, to which all that is nobody's goes.
    expect(answer).toMatch(/^HTTP\/1\.1 40[0134]|ok$/);
    expect(answer).not.toMatch(/"backends"|"processUptime"|# TYPE|"letters"|"instanceId"/);
  });

  it("is no part of a question to storage", async () => {
    const headers = { "X-UserID": "ann", S7PAsyncMode: "true" };
    const made = await fetch(`${stack.url}/job`, { method: "POST", headers });
    expect(made.status).toBe(202);
    const id = (made.headers.get("location") ?? "").slice("/jobs/".length);
    const view = (path: string) => fetch(`${stack.url}/jobs/${path}`, { headers });
    expect((await view(id)).ok).toBe(true);
    const forged = [`x' or PartitionKey eq '${id}`, `${id}' or '1' eq '1`, `${id}\0`, "%", "'"];
    for (const path of forged) {
      expect([path, (await view(encodeURIComponent(path))).status]).toEqual([path, 404]);
    }
  });
});

describe("too much on the wire", () => {
  it("is a head, or a line of it, beyond what the platform takes", async () => {
    const long = "x".repeat(40_000);
    for (const text of [
      requestFor(`/${long}`, "X-Mark: large"),
      requestFor("/", "X-Mark: large", `X-Long: ${long}`),
      requestFor(
        "/",
        "X-Mark: large",
        ...Array.from({ length: 3000 }, (_, n) => `X-${n}: 12345678`),
      ),
    ]) {
      expect([400, 414, 431]).toContain(await statusOf(text));
    }
    expect(headsAt("X-Mark: large")).toEqual([]);
  });
});

describe("a header on the wire", () => {
  it("makes no other call's connection its own", async () => {
    const fields = ["x-ms-invocation-id: 00000000-0000-0000-0000-000000000000", "X-Mark: invoked"];
    expect(await statusOf(requestFor("/invoked", ...fields))).toBe(200);
    await eventually(() => headsAt("X-Mark: invoked").length).toBe(1);
    expect(headsAt("X-Mark: invoked")[0]).not.toMatch(/^x-ms-|^x-forwarded-/im);
  });
});
