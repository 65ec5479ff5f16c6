import type { IncomingMessage } from "node:http";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { arrivingBody } from "../../functions/arriving-body.ts";
import { startServer } from "../support/http-server.ts";
import { connectTo } from "../support/raw-client.ts";

/** A server that answers with what it read of a body, which it begins to read when `ready` says so. */
async function echoing(ready: (request: IncomingMessage) => Promise<unknown>) {
  return await startServer(async (request, response) => {
    const body = arrivingBody(request);
    await ready(request);
    const pieces: Uint8Array[] = [];
    try {
      for await (const piece of body ?? []) pieces.push(piece);
      response.end(`[${body ? Buffer.concat(pieces).toString() : "no body"}]`);
    } catch (error) {
      response.end(`[failed: ${(error as Error).message}]`);
    }
  });
}

const head = (fields: string): string => `POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\n`;

/** Until the parser has seen the body's last byte. */
async function untilComplete(request: IncomingMessage): Promise<void> {
  while (!request.complete) await turn();
}

const readers = [
  { when: "at once", ready: async () => {} },
  { when: "when all of it is there", ready: untilComplete },
  { when: "a turn later", ready: () => turn() },
];

describe.each(readers)("a body that is read $when", ({ ready }) => {
  it("is whole when it comes with its head, time and again on one connection", async () => {
    await using server = await echoing(ready);
    using client = await connectTo(server.origin);
    for (const text of ["first", "second", "third"]) {
      client.send(head(`Content-Length: ${text.length}`) + text);
      expect(await client.until(new RegExp(`\\[${text}\\]`))).toContain("200 OK");
    }
  });

  it("is whole in chunks", async () => {
    await using server = await echoing(ready);
    using client = await connectTo(server.origin);
    client.send(`${head("Transfer-Encoding: chunked")}3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n`);
    expect(await client.until(/\[abcde\]/)).toContain("200 OK");
  });

  it("may be empty, or not there", async () => {
    await using server = await echoing(ready);
    using client = await connectTo(server.origin);
    client.send(head("Content-Length: 0"));
    await client.until(/\[\]/);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await client.until(/\[no body\]/);
  });

  it("is longer than what node holds of it", async () => {
    await using server = await echoing(ready === untilComplete ? async () => {} : ready);
    using client = await connectTo(server.origin);
    const text = "x".repeat(500_000);
    client.send(head(`Content-Length: ${text.length}`) + text);
    expect(await client.until(/x\]/)).toContain(`[${text}]`);
  });
});

describe("a body that breaks off", () => {
  it("fails its reader, also when that comes late", async () => {
    const read = Promise.withResolvers<unknown>();
    await using server = await startServer(async (request) => {
      const body = arrivingBody(request);
      await new Promise((resolve) => request.on("close", resolve));
      const reading = body?.[Symbol.asyncIterator]().next();
      read.resolve(await reading?.catch((error: unknown) => error));
    });
    const client = await connectTo(server.origin);
    client.send(`${head("Content-Length: 9")}begun`);
    client.socket.destroy();
    expect(await read.promise).toMatchObject({ message: expect.stringMatching(/closed/) });
  });
});
