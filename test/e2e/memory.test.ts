import { createHash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { canMeasureMemory, hostGrowth } from "../support/host-memory.ts";
import { MEMORY_PROBE } from "../support/memory-probe.ts";
import {
  chunkOf,
  headOf,
  LAST_CHUNK,
  type RawBackend,
  sent,
  startRawBackend,
} from "../support/raw-backend.ts";
import { connectTo, requestFor } from "../support/raw-client.ts";
import { startStack, type TestStack } from "../support/stack.ts";

const MIB = 1024 * 1024;
const BLOCK = Buffer.alloc(MIB, "0123456789abcdef");
// What passes by is less than a third of this; what is held of it is more.
const MAX_GROWTH_BYTES = 40 * MIB;
const EVENTS = 20_000;
// 80 MB in all: what is not held back somewhere shows.
const EVENT = chunkOf(`data: ${"x".repeat(4000)}\n\n`);

let backend: RawBackend;
let stack: TestStack;

beforeAll(async () => {
  backend = await startRawBackend(async ({ socket, head, bodyBytes }) => {
    const blocks = Number(/\/blocks\/(\d+)/.exec(head)?.[1] ?? 0);
    const events = Number(/\/events\/(\d+)/.exec(head)?.[1] ?? 0);
    if (head.startsWith("POST")) {
      const text = String(bodyBytes);
      await sent(socket, `${headOf("200 OK", `Content-Length: ${text.length}`)}${text}`);
    } else if (blocks > 0) {
      await sent(socket, headOf("200 OK", `Content-Length: ${blocks * MIB}`));
      for (let block = 0; block < blocks && !socket.destroyed; block++) await sent(socket, BLOCK);
    } else {
      await sent(
        socket,
        headOf("200 OK", "Content-Type: text/event-stream", "Transfer-Encoding: chunked"),
      );
      for (let event = 0; event < events && !socket.destroyed; event++) await sent(socket, EVENT);
      await sent(socket, LAST_CHUNK);
    }
  });
  stack = await startStack({
    env: {
      ...MEMORY_PROBE,
      GATEWAY_SYNC_MODE: "direct",
      Host1: `host=${backend.origin};mode=direct;path=/`,
    },
  });
});
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  await backend?.[Symbol.asyncDispose]();
});

async function download(blocks: number): Promise<string> {
  const { body } = await fetch(`${stack.url}/blocks/${blocks}`);
  const hash = createHash("sha256");
  for await (const chunk of body ?? []) hash.update(chunk);
  return hash.digest("hex");
}

/** Sends blocks as they are asked for, so that the sender is no larger than what it measures. */
async function upload(blocks: number): Promise<[status: number, text: string]> {
  async function* body(): AsyncGenerator<Uint8Array> {
    for (let block = 0; block < blocks; block++) yield BLOCK;
  }
  const answer = await fetch(stack.url, {
    method: "POST",
    body: ReadableStream.from(body()),
    duplex: "half",
  });
  return [answer.status, await answer.text()];
}

async function readSlowly(events: number): Promise<void> {
  using client = await connectTo(stack.url);
  client.socket.removeAllListeners("data");
  let bytes = 0;
  client.send(requestFor(`/events/${events}`, "Connection: close"));
  for await (const chunk of client.socket) {
    bytes += (chunk as Buffer).byteLength;
    await pause(1);
  }
  expect(bytes).toBeGreaterThan(events * 4000);
}

function expectedHash(blocks: number): string {
  const hash = createHash("sha256");
  for (let block = 0; block < blocks; block++) hash.update(BLOCK);
  return hash.digest("hex");
}

describe.runIf(canMeasureMemory)("the memory of the host", () => {
  it("does not grow with an answer of 100 MB", async () => {
    expect(await download(20)).toBe(expectedHash(20));
    const growth = await hostGrowth(stack, async () => {
      expect(await download(100)).toBe(expectedHash(100));
    });
    expect(growth).toBeLessThan(MAX_GROWTH_BYTES);
  });

  it("does not grow with a stream of 20,000 events that its reader takes slowly", async () => {
    await readSlowly(EVENTS / 20);
    const growth = await hostGrowth(stack, () => readSlowly(EVENTS));
    expect(growth).toBeLessThan(MAX_GROWTH_BYTES);
  });

  it("does not grow with a request of 100 MB", async () => {
    const send = async (blocks: number): Promise<void> => {
      const answer = await upload(blocks);
      expect(answer).toEqual([200, String(blocks * MIB)]);
    };
    await send(20);
    const growth = await hostGrowth(stack, () => send(100));
    expect(growth).toBeLessThan(MAX_GROWTH_BYTES);
  });
});
