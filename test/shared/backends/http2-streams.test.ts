import { describe, expect, it, onTestFinished } from "vitest";
import type { BackendCall } from "../../../shared/backends/index.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import {
  dataFrame,
  FRAME,
  frame,
  headersFrame,
  lastFrame,
  numbers,
  type RawStream,
  startRawHttp2,
} from "../../support/raw-http2.ts";
import { callTo, failureOf, openClient, readOut } from "./client-world.ts";

const TEXT = [
  [":status", "200"],
  ["content-type", "text/plain"],
] as const;

/** Frames that come in one piece. */
const write = ({ socket }: RawStream, ...frames: readonly Buffer[]): void =>
  void socket.write(Buffer.concat(frames));

/** Who answers a ping has what was sent before; what follows could else overtake it. */
function afterPing({ socket }: RawStream, next: () => void): void {
  socket.write(frame(FRAME.ping, 0, 0, Buffer.alloc(8)));
  socket.once("data", next);
}

async function open(script: (stream: RawStream) => void, clock?: FakeClock) {
  const backend = await startRawHttp2(script);
  onTestFinished(() => backend[Symbol.asyncDispose]());
  const client = openClient({ ignoreTlsErrors: true, allowHttp2: true, ...(clock && { clock }) });
  const ask = (change: Partial<BackendCall> = {}) => client.call(callTo(backend, change));
  return { ask, streams: backend.streams };
}

describe("an HTTP/2 backend", () => {
  it.each([
    ["CANCEL", 8],
    ["NO_ERROR", 0],
  ])("that resets its stream with %s has not given a whole answer", async (_, code) => {
    const { ask } = await open((stream) => {
      const { id } = stream;
      write(stream, headersFrame(id, TEXT), dataFrame(id, "half"));
      afterPing(stream, () => write(stream, frame(FRAME.reset, 0, id, numbers(code))));
    });
    const { text, error } = await readOut((await ask()).body);
    expect(text).toBe("half");
    expect(error).toMatchObject({ kind: "truncated" });
    expect(await failureOf(ask({ whole: true }))).toMatchObject({ kind: "truncated" });
  });

  it.each([
    ["a length", "text/plain", ["content-length", "5"], "whole"],
    ["JSON that is closed", "application/json", ["x-a", "1"], '{"a":[1]}'],
    ["a stream's last word", "text/event-stream", ["x-a", "1"], "data: x\n\ndata: [DONE]\n\n"],
  ] as const)(
    "that resets its stream behind %s has given a whole answer",
    async (_, type, field, text) => {
      const { ask } = await open((stream) => {
        const { id } = stream;
        const fields = [[":status", "200"], ["content-type", type], field] as const;
        write(stream, headersFrame(id, fields), dataFrame(id, text));
        afterPing(stream, () => write(stream, frame(FRAME.reset, 0, id, numbers(0))));
      });
      expect(await readOut((await ask()).body)).toEqual({ text });
    },
  );

  it("that resets a stream which it has ended has given a whole answer", async () => {
    const { ask } = await open((stream) => {
      const { id } = stream;
      const reset = frame(FRAME.reset, 0, id, numbers(0));
      write(stream, headersFrame(id, TEXT), lastFrame(id, "whole"), reset);
    });
    // It wants no more of the body, which is longer than it lets come (RFC 9113, section 8.1).
    const { body } = await ask({ method: "POST", body: Buffer.alloc(300_000) });
    expect(await readOut(body)).toEqual({ text: "whole" });
  });

  it.each([
    ["a status without a body", [[":status", "204"]] as const, {}],
    [
      "the head that HEAD asks for",
      [...TEXT, ["content-length", "9"]] as const,
      { method: "HEAD" },
    ],
    ["an empty body", TEXT, {}],
  ])("may end with %s", async (_, fields, change) => {
    const { ask } = await open((stream) => write(stream, headersFrame(stream.id, fields, true)));
    const answer = await ask(change);
    expect(await readOut(answer.body)).toEqual({ text: "" });
    expect(answer.headers).toEqual(fields.slice(1));
  });

  it("is given back field by field, in order, before its body and behind it", async () => {
    const fields = [
      ["www-authenticate", "A"],
      ["set-cookie", "a=1"],
      ["x-b", "1"],
      ["www-authenticate", "B"],
      ["set-cookie", "b=2"],
    ] as const;
    const { ask } = await open((stream) => {
      const { id } = stream;
      write(
        stream,
        headersFrame(id, [
          [":status", "103"],
          ["link", "</a>"],
        ]),
      );
      write(stream, headersFrame(id, [[":status", "200"], ...fields]), dataFrame(id, "a"));
      write(
        stream,
        headersFrame(
          id,
          [
            ["x-sum", "1"],
            ["x-sum", "2"],
          ],
          true,
        ),
      );
    });
    const answer = await ask();
    expect(answer.headers).toEqual(fields);
    expect(await readOut(answer.body)).toEqual({ text: "a" });
    expect(answer.trailers?.()).toEqual([
      ["x-sum", "1"],
      ["x-sum", "2"],
    ]);
  });

  it("whose answer waits for a slow reader is whole all the same", async () => {
    const piece = "x".repeat(16_000);
    const { ask } = await open((stream) => {
      const { id } = stream;
      const pieces = Array.from({ length: 14 }, () => dataFrame(id, piece));
      write(stream, headersFrame(id, TEXT), ...pieces, lastFrame(id, "end"));
    });
    const slow = await ask();
    // By now all of it has come, and its stream is closed.
    expect((await readOut((await ask()).body)).text).toHaveLength(14 * piece.length + 3);
    expect((await readOut(slow.body)).text).toHaveLength(14 * piece.length + 3);
  });

  it("that is gone without a word costs one call, and no other on its connection", async () => {
    const clock = new FakeClock();
    const { ask, streams } = await open((stream) => {
      if (stream.connection === 1 && stream.id > 1) stream.socket.pause();
      else write(stream, headersFrame(stream.id, TEXT), lastFrame(stream.id, "here"));
    }, clock);
    await readOut((await ask()).body);
    const lost = failureOf(ask({ limits: { firstByteMs: 60_000 } }));
    await expect.poll(() => streams.length, { timeout: 20_000 }).toBe(2);
    await clock.advance(60_000);
    expect(await lost).toMatchObject({ kind: "first-byte-timeout" });
    expect(await readOut((await ask()).body)).toEqual({ text: "here" });
    expect(streams.map(({ connection }) => connection)).toEqual([1, 1, 2]);
  });

  it("that is slow with one call, and answers others, keeps its connection", async () => {
    const clock = new FakeClock();
    const { ask, streams } = await open((stream) => {
      if (stream.id === 3) return;
      write(stream, headersFrame(stream.id, TEXT), lastFrame(stream.id, "here"));
    }, clock);
    await readOut((await ask()).body);
    const slow = failureOf(ask({ limits: { firstByteMs: 60_000 } }));
    await expect.poll(() => streams.length, { timeout: 20_000 }).toBe(2);
    await clock.advance(30_000);
    await readOut((await ask()).body);
    await clock.advance(30_000);
    expect(await slow).toMatchObject({ kind: "first-byte-timeout" });
    await readOut((await ask()).body);
    expect(streams.map(({ connection }) => connection)).toEqual([1, 1, 1, 1]);
  });
});
