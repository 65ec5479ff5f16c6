import { setTimeout as pause } from "node:timers/promises";
import type { SecureVersion } from "node:tls";
import { describe, expect, it } from "vitest";
import type { BackendCall } from "../../../shared/backends/index.ts";
import { eventually } from "../../support/eventually.ts";
import { chunkOf, headOf, LAST_CHUNK, type RawScript, sent } from "../../support/raw-backend.ts";
import { callTo, failureOf, openBackend, openClient, readOut } from "./client-world.ts";

const TEXT = headOf("200 OK", "Content-Type: text/plain");
const STREAM = `data: {"choices":[{"delta":{"content":"a"}}]}\n\ndata: [DONE]\n\n`;
const VERSIONS: SecureVersion[] = ["TLSv1.2", "TLSv1.3"];

/** Without a word that nothing follows; a socket that is ended says it. */
const cuts =
  (text: string | Uint8Array): RawScript =>
  async ({ socket }) => {
    await sent(socket, text);
    socket.destroy();
  };

async function ask(
  script: RawScript,
  { version, ...change }: Partial<BackendCall> & { version?: SecureVersion } = {},
) {
  const tls = version === undefined ? {} : { maxVersion: version };
  const backend = await openBackend(script, { isSecure: true, tls });
  return openClient({ ignoreTlsErrors: true }).call(callTo(backend, change));
}

describe.each(VERSIONS)("an answer over %s that only its connection ends", (version) => {
  it("is whole when its backend says that nothing follows", async () => {
    const { body } = await ask(({ socket }) => void socket.end(`${TEXT}whole`), { version });
    expect(await readOut(body)).toEqual({ text: "whole" });
  });

  it("is whole when that is said later than the rest", async () => {
    const begun = Promise.withResolvers<void>();
    const { body } = await ask(
      async ({ socket }) => {
        await sent(socket, `${TEXT}whole`);
        await begun.promise;
        socket.end();
      },
      { version },
    );
    begun.resolve();
    expect(await readOut(body)).toEqual({ text: "whole" });
  });

  it("is broken off when the connection ends and nothing was said", async () => {
    const { body } = await ask(cuts(`${TEXT}half`), { version });
    const { text, error } = await readOut(body);
    expect([text, error]).toMatchObject(["half", { kind: "truncated", mayHaveBegun: true }]);
  });

  it.each([1000, 16_384, 65_536, 1_000_000])(
    "is told by that however slowly its %d bytes are read",
    async (bytes) => {
      const long = Buffer.concat([Buffer.from(TEXT), Buffer.alloc(bytes, "x")]);
      const slowly = async (script: RawScript): Promise<unknown> => {
        const { body } = await ask(script, { version });
        let readBytes = 0;
        try {
          for await (const chunk of body) {
            readBytes += chunk.byteLength;
            await pause(1);
          }
        } catch (error) {
          return error;
        }
        return readBytes;
      };
      expect(await slowly(({ socket }) => void socket.end(long))).toBe(bytes);
      expect(await slowly(cuts(long))).toMatchObject({ kind: "truncated" });
    },
  );
});

describe("an answer over TLS that ends with nothing said", () => {
  it.each<[string, string, Partial<BackendCall>]>([
    ["was to be taken whole", `${TEXT}half`, { whole: true }],
    ["has no byte", TEXT, {}],
    [
      "is JSON that is open",
      `${headOf("200 OK", "Content-Type: application/json")}{"a":`,
      { wholeBytes: 100 },
    ],
    [
      "is a stream of no known protocol",
      `${headOf("200 OK", "Content-Type: text/event-stream")}data: 1\n\n`,
      { whole: true },
    ],
  ])("and %s has committed to nothing", async (_, text, change) => {
    const failure = await failureOf(ask(cuts(text), change));
    expect(failure).toMatchObject({ kind: "truncated", mayHaveBegun: true });
  });

  it.each<[string, string, string, Partial<BackendCall>]>([
    ["its length", headOf("200 OK", "Content-Length: 5"), "whole", {}],
    [
      "its last chunk",
      headOf("200 OK", "Transfer-Encoding: chunked"),
      `${chunkOf("whole")}${LAST_CHUNK}`,
      {},
    ],
    ["JSON that is closed", headOf("200 OK", "Content-Type: application/json"), '{"a":1}', {}],
    ["its protocol's last word", headOf("200 OK", "Content-Type: text/event-stream"), STREAM, {}],
    ["its method", headOf("200 OK", "Connection: close"), "", { method: "HEAD" }],
    ["its status", headOf("204 No Content", "Connection: close"), "", {}],
  ])("is whole by %s", async (_, head, text, change) => {
    const { body } = await ask(cuts(head + text), change);
    expect(await readOut(body)).toEqual({ text: text.replaceAll(/^5\r\n|\r\n0\r\n\r\n$/g, "") });
  });

  it("is asked for elsewhere on a new connection, as any other that breaks", async () => {
    const backend = await openBackend(
      (request) => {
        if (request.connection === 1) return cuts(`${TEXT}half`)(request);
        request.socket.end(`${TEXT}whole`);
      },
      { isSecure: true },
    );
    const client = openClient({ ignoreTlsErrors: true });
    const call = callTo(backend, { whole: true });
    expect(await failureOf(client.call(call))).toMatchObject({ kind: "truncated" });
    expect(await readOut((await client.call(call)).body)).toEqual({ text: "whole" });
    await eventually(() => backend.open.size).toBe(0);
  });
});
