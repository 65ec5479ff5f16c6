import { Agent, get, type IncomingMessage, type ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import { sendStream } from "../../functions/send-answer.ts";
import type { HeaderList } from "../../shared/core/headers.ts";
import { startServer } from "../support/http-server.ts";
import { connectTo } from "../support/raw-client.ts";

const HEADERS: HeaderList = [["Content-Type", "text/event-stream"]];
const open = new AbortController().signal;

async function* each(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  yield* pieces;
}

interface Sent {
  readonly trailers?: () => HeaderList;
  readonly closed?: AbortSignal;
}

/** Sends an answer as the library does: whole, and then its end. */
async function send(
  response: ServerResponse,
  body: AsyncIterable<Uint8Array>,
  { trailers, closed = open }: Sent = {},
): Promise<void> {
  await sendStream(response, { headers: HEADERS, body, trailers }, closed);
  response.end();
}

async function bytesOf(message: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of message) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

const sized = (sizes: readonly number[]): Buffer[] =>
  sizes.map((size, index) => Buffer.alloc(size, 97 + index));

describe("an answer that is sent in pieces", () => {
  it("arrives byte for byte, with its trailers, and leaves its connection in order", async () => {
    const pieces = sized([1, 190, 0, 15, 16, 17, 255, 16_384, 16_385, 100_000, 0, 3]);
    await using server = await startServer((_, response) =>
      send(response, each(pieces), { trailers: () => [["X-Sum", "7"]] }),
    );
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (const turn of [1, 2, 3]) {
      const answer = await new Promise<IncomingMessage>((resolve) => {
        get(server.origin, { agent }, resolve);
      });
      const bytes = await bytesOf(answer);
      expect([turn, bytes.equals(Buffer.concat(pieces))]).toEqual([turn, true]);
      expect(answer.trailers).toEqual({ "x-sum": "7" });
    }
    agent.destroy();
  });

  it("has no frames for a client that does not know them", async () => {
    await using server = await startServer((_, response) => send(response, each(sized([3, 4, 5]))));
    using client = await connectTo(server.origin);
    client.send("GET / HTTP/1.0\r\n\r\n");
    expect((await client.closed()).split("\r\n\r\n")[1]).toBe("aaabbbbccccc");
  });

  it("waits for the answer that was asked for before it on the same connection", async () => {
    const second = Promise.withResolvers<void>();
    async function* late(): AsyncGenerator<Uint8Array, void, undefined> {
      yield Buffer.from("first ");
      await second.promise;
      yield Buffer.from("one");
    }
    await using server = await startServer(async ({ url }, response) => {
      if (url === "/1") await send(response, late());
      else await send(response, each(sized([2, 3, 4]))).then(second.resolve);
    });
    using client = await connectTo(server.origin);
    client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    const all = await client.until(/\r\n0\r\n\r\n.*\r\n0\r\n\r\n$/s);
    const bodies = all.split("HTTP/1.1 200").map((answer) => answer.split("\r\n\r\n")[1]);
    expect(bodies.slice(1)).toEqual([
      "6\r\nfirst \r\n3\r\none\r\n0",
      "2\r\naa\r\n3\r\nbbb\r\n4\r\ncccc\r\n0",
    ]);
  });

  it("comes no faster than its client reads", async () => {
    const COUNT = 1500;
    let pulled = 0;
    async function* body(): AsyncGenerator<Uint8Array, void, undefined> {
      for (; pulled < COUNT; pulled++) yield Buffer.alloc(16_000, 120);
    }
    const found = Promise.withResolvers<ServerResponse>();
    await using server = await startServer((_, response) => {
      found.resolve(response);
      return send(response, body());
    });
    const answer = await new Promise<IncomingMessage>((resolve) => {
      get(server.origin, (message) => resolve(message.pause()));
    });
    const { socket } = await found.promise;
    await expect.poll(() => socket?.writableNeedDrain, { timeout: 20_000 }).toBe(true);
    expect(pulled).toBeLessThan(COUNT);
    expect(socket?.writableLength).toBeLessThan(1_000_000);
    expect((await bytesOf(answer)).byteLength).toBe(COUNT * 16_000);
    expect(socket?.listenerCount("drain")).toBeLessThan(3);
  });

  it("is let go of when its client leaves, also one that is behind", async () => {
    const closed = new AbortController();
    const returned = Promise.withResolvers<void>();
    async function* body(): AsyncGenerator<Uint8Array, void, undefined> {
      try {
        for (;;) yield Buffer.alloc(16_000);
      } finally {
        returned.resolve();
      }
    }
    const sent = Promise.withResolvers<void>();
    await using server = await startServer((_, response) => {
      response.once("close", () => closed.abort());
      sent.resolve(send(response, body(), { closed: closed.signal }));
    });
    const client = get(server.origin, (answer) => {
      answer.on("error", () => {}).pause();
      client.destroy();
    });
    client.on("error", () => {});
    await returned.promise;
    await sent.promise;
  });
});
