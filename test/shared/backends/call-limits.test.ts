import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { BackendFailure } from "../../../shared/backends/backend-failure.ts";
import { type CallLimits, CallTimer } from "../../../shared/backends/call-limits.ts";
import { eventually } from "../../support/eventually.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { chunkOf, headOf, type RawScript } from "../../support/raw-backend.ts";
import { callTo, failureOf, openBackend, openClient, readOut } from "./client-world.ts";

const LIMITS: CallLimits = { connectMs: 10, firstByteMs: 100, idleMs: 50, totalMs: 1000 };

function timing(change: Partial<CallLimits> = {}) {
  const clock = new FakeClock();
  const failures: BackendFailure[] = [];
  const startedAt = clock.now();
  const limitedAt: number[] = [];
  const timer = new CallTimer({
    clock,
    limits: { ...LIMITS, ...change },
    onLimit(failure) {
      failures.push(failure);
      limitedAt.push(clock.now() - startedAt);
    },
  });
  const outcome = () => failures.map(({ kind }, index) => [kind, limitedAt[index]]);
  return { clock, timer, failures, outcome };
}

describe("CallTimer", () => {
  it("ends a call that gets no connection, which cannot have begun", async () => {
    const { clock, outcome, failures } = timing();
    await clock.advance(5000);
    expect(outcome()).toEqual([["connect", 10]]);
    expect(failures[0]?.mayHaveBegun).toBe(false);
    expect(clock.pending).toBe(0);
  });

  it("ends a call whose backend is silent, counted from its start", async () => {
    const { clock, timer, outcome } = timing();
    await clock.advance(9);
    timer.connected();
    await clock.advance(5000);
    expect(outcome()).toEqual([["first-byte-timeout", 100]]);
  });

  it("ends a call whose backend talks without saying anything", async () => {
    const { clock, timer, outcome } = timing();
    timer.connected();
    for (let turn = 0; turn < 20; turn++) {
      await clock.advance(10);
      timer.received();
    }
    expect(outcome()).toEqual([["first-byte-timeout", 100]]);
  });

  it("ends a call whose backend falls silent, counted from its last byte", async () => {
    const { clock, timer, outcome } = timing();
    timer.connected();
    timer.received();
    timer.committed();
    for (let turn = 0; turn < 7; turn++) {
      await clock.advance(33);
      timer.received();
    }
    await clock.advance(5000);
    expect(outcome()).toEqual([["idle-timeout", 7 * 33 + 50]]);
  });

  it("waits no more than a moment behind a last word, whatever comes", async () => {
    const { clock, timer, outcome } = timing({ idleMs: 100_000, totalMs: 1_000_000 });
    timer.connected();
    timer.received();
    timer.committed();
    timer.ending();
    for (let turn = 0; turn < 6; turn++) {
      await clock.advance(1000);
      timer.received();
      timer.ending();
    }
    expect(outcome()).toEqual([["idle-timeout", 5000]]);
  });

  it("waits for a reader that is behind, and counts anew from its return", async () => {
    const { clock, timer, outcome } = timing();
    timer.connected();
    timer.received();
    timer.committed();
    timer.paused();
    await clock.advance(500);
    expect(outcome()).toEqual([]);
    timer.resumed();
    await clock.advance(400);
    expect(outcome()).toEqual([["idle-timeout", 550]]);
  });

  it("ends a call that goes on for too long", async () => {
    const { clock, timer, outcome } = timing();
    timer.connected();
    timer.committed();
    for (let turn = 0; turn < 200; turn++) {
      timer.received();
      await clock.advance(10);
    }
    expect(outcome()).toEqual([["total-timeout", 1000]]);
  });

  it("holds one timer whatever comes, and none once it has stopped", async () => {
    const { clock, timer, outcome } = timing();
    timer.connected();
    for (let turn = 0; turn < 1000; turn++) timer.received();
    expect(clock.pending).toBe(1);
    timer.stop();
    timer.stop();
    expect(clock.pending).toBe(0);
    await clock.advance(5000);
    expect(outcome()).toEqual([]);
  });
});

const head = headOf("200 OK", "Transfer-Encoding: chunked");
const sse = headOf("200 OK", "Transfer-Encoding: chunked", "Content-Type: text/event-stream");

describe("a call under limits", () => {
  const chunk = (choices: unknown): string => chunkOf(`data: ${JSON.stringify({ choices })}\n\n`);
  const role = chunk([{ delta: { role: "assistant", content: "" } }]);
  const announced = chunk([]) + role + role;
  const silent: [string, RawScript][] = [
    ["answers nothing", () => {}],
    ["sends half its headers", ({ socket }) => void socket.write("HTTP/1.1 200 OK\r\nX: ")],
    ["sends headers and no body", ({ socket }) => void socket.write(head)],
    ["sends comments only", ({ socket }) => void socket.write(sse + chunkOf(": wait\n\n"))],
    ["says who speaks, and says so again", ({ socket }) => void socket.write(sse + announced)],
  ];
  it.each(silent)("leaves a backend that %s after the first-byte limit", async (_, script) => {
    const clock = new FakeClock();
    const backend = await openBackend(script);
    const limits = { ...LIMITS, connectMs: 5000, idleMs: 5000 };
    const failed = failureOf(openClient({ clock, limits }).call(callTo(backend)));
    await eventually(() => backend.requests.length).toBe(1);
    await clock.advance(100);
    const failure = await failed;
    expect(failure).toBeInstanceOf(BackendFailure);
    expect(failure).toMatchObject({ kind: "first-byte-timeout", mayHaveBegun: true });
    await eventually(() => backend.open.size).toBe(0);
    expect(clock.pending).toBe(0);
  });

  it("leaves a backend that falls silent in its body after the idle limit", async () => {
    const clock = new FakeClock();
    const backend = await openBackend(({ socket }) => void socket.write(head + chunkOf("first")));
    const call = callTo(backend, { limits: { idleMs: 2000, firstByteMs: 500 } });
    const { body } = await openClient({ clock }).call(call);
    const reading = readOut(body);
    await clock.advance(2000);
    expect(await reading).toMatchObject({ text: "first", error: { kind: "idle-timeout" } });
    await eventually(() => backend.open.size).toBe(0);
  });

  it("leaves a backend that does not take the connection to its end", async () => {
    const clock = new FakeClock();
    // Accepts for the kernel, never speaks TLS.
    const server = createServer(() => {}).listen(0, "127.0.0.1");
    await eventually(() => server.listening).toBe(true);
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const call = callTo({ origin: `https://127.0.0.1:${port}` }, { limits: { connectMs: 300 } });
    const failed = failureOf(openClient({ clock }).call(call));
    await clock.advance(300);
    expect(await failed).toMatchObject({ kind: "connect", mayHaveBegun: false });
    server.close();
  });

  it("keeps no timer and no listener when it has ended well", async () => {
    const clock = new FakeClock();
    const backend = await openBackend(
      ({ socket }) => void socket.write(`${headOf("200 OK", "Content-Length: 2")}ok`),
    );
    const { body } = await openClient({ clock }).call(callTo(backend));
    expect(await readOut(body)).toEqual({ text: "ok" });
    expect(clock.pending).toBe(0);
  });
});
