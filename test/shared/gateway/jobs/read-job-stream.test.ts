import { describe, expect, it } from "vitest";
import { BackendFailure } from "../../../../shared/backends/index.ts";
import type { HeaderList } from "../../../../shared/core/headers.ts";
import { readJobStream } from "../../../../shared/gateway/index.ts";
import { createGateway, type TestGateway } from "../../../support/gateway.ts";
import { envelopeFor, run } from "../../../support/lane-messages.ts";

const SSE: HeaderList = [["Content-Type", "text/event-stream"]];
const PLACE = { container: "files-ann", signsLinks: false, linkSeconds: 60 };

async function open({ place = false } = {}): Promise<TestGateway> {
  const gateway = createGateway();
  const now = gateway.clock.now();
  await gateway.services.jobs?.store.insert({
    id: "job-1",
    owner: "ann",
    priority: 2,
    createdAt: now,
    expiresAt: now + 3_600_000,
    request: "{}",
    ...(place ? { results: PLACE } : {}),
  });
  return gateway;
}

const attemptOf = (gateway: TestGateway, attempt = 1) =>
  envelopeFor(gateway, {
    kind: "job",
    id: "job-1",
    userId: "ann",
    attempt,
    maxAttempts: 2,
    expiresAt: gateway.clock.now() + 3_600_000,
    body: { text: '{"stream":true}' },
    headers: [["content-type", "application/json"]],
  });

/** A backend's stream that a test feeds. */
function openStream(gateway: TestGateway) {
  const source = new TransformStream<Uint8Array, Uint8Array>();
  const writer = source.writable.getWriter();
  async function* body(): AsyncGenerator<Uint8Array> {
    for await (const chunk of source.readable) yield chunk;
  }
  gateway.backends.answer(200, body(), SSE);
  return {
    send: (text: string) => writer.write(Buffer.from(text)),
    end: () => writer.close(),
    breakOff: () =>
      writer.abort(new BackendFailure("truncated", "It ended too soon.", { mayHaveBegun: true })),
  };
}

interface Follower {
  readonly status: number;
  text(): string;
  readonly isOver: () => boolean;
  leave(): void;
}

async function follow(gateway: TestGateway, lastId = "", target = "/"): Promise<Follower> {
  const closing = new AbortController();
  const headers: HeaderList = [
    ["X-UserID", "ann"],
    ...(lastId === "" ? [] : ([["Last-Event-ID", lastId]] as const)),
  ];
  const query = { id: "job-1", headers, target, closed: closing.signal };
  const { status, body } = await readJobStream(gateway.services, query);
  let text = "";
  let isOver = false;
  const read = async (): Promise<void> => {
    for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) text += String(chunk);
    isOver = true;
  };
  void read();
  return {
    status,
    text: () => text.replace(/^retry: 1000\n\n/, ""),
    isOver: () => isOver,
    leave: () => closing.abort(),
  };
}

const settle = (gateway: TestGateway): Promise<void> => gateway.clock.advance(3000);

describe("a job's stream", () => {
  it("is followed while it comes, to its end, and kept with its exact bytes", async () => {
    const gateway = await open();
    const backend = openStream(gateway);
    const running = run(gateway, attemptOf(gateway));
    const reader = await follow(gateway);
    await backend.send("data: 1\n\ndata:");
    await settle(gateway);
    expect(reader.text()).toBe("data: 1\nid: 1-9\n\n");
    await backend.send(" 2\n\n");
    await settle(gateway);
    expect(reader.text()).toContain("data: 2\nid: 1-18\n\n");
    await backend.end();
    await running;
    await settle(gateway);
    expect(reader.text()).toMatch(
      /event: job\.ended\nid: 1-end\ndata: \{"id":"job-1","state":"succeeded"\}\n\n$/,
    );
    expect(reader.isOver()).toBe(true);
    expect([...gateway.results.blobs.values()].map(String)).toEqual(["data: 1\n\ndata: 2\n\n"]);
  });

  it("is followed from any place, during and after, by id or by offset", async () => {
    const gateway = await open();
    gateway.backends.answer(200, "data: 1\n\ndata: 2\n\n", SSE);
    await run(gateway, attemptOf(gateway));
    for (const reader of [await follow(gateway, "1-9"), await follow(gateway, "", "/?from=9")]) {
      await settle(gateway);
      expect(reader.text()).toMatch(/^data: 2\nid: 1-18\n\nevent: job\.ended/);
    }
    expect((await follow(gateway, "1-end")).status).toBe(204);
  });

  it("is read from its place in the caller's container once it is there", async () => {
    const gateway = await open({ place: true });
    const backend = openStream(gateway);
    const running = run(gateway, attemptOf(gateway));
    const reader = await follow(gateway);
    await backend.send("data: 1\n\n");
    await settle(gateway);
    await backend.send("data: 2\n\n");
    await backend.end();
    await running;
    expect(gateway.results.blobs.size).toBe(0);
    await settle(gateway);
    expect(reader.text()).toMatch(/^data: 1\n.*\n\ndata: 2\nid: 1-18\n\nevent: job\.ended/);
  });

  it("begins anew, and says so, when a broken one is tried again: never two in one", async () => {
    const gateway = await open();
    const first = openStream(gateway);
    const running = run(gateway, attemptOf(gateway));
    const reader = await follow(gateway);
    await first.send("data: first\n\ndata: ha");
    await settle(gateway);
    await first.breakOff();
    await running;
    gateway.backends.answers.length = 0;
    gateway.backends.answer(200, "data: second\n\n", SSE);
    await run(gateway, attemptOf(gateway, 2));
    await settle(gateway);
    expect(reader.text()).toBe(
      'data: first\nid: 1-13\n\nevent: stream.restart\nid: 2-0\ndata: {"attempt":2}\n\n' +
        "data: second\nid: 2-14\n\n" +
        'event: job.ended\nid: 2-end\ndata: {"id":"job-1","state":"succeeded"}\n\n',
    );
    const late = await follow(gateway, "1-13");
    await settle(gateway);
    expect(late.text()).toMatch(/^event: stream\.restart\nid: 2-0\n/);
  });

  it("ends in an event for a job that fails", async () => {
    const gateway = await open();
    const backend = openStream(gateway);
    const running = run(gateway, attemptOf(gateway, 2));
    const reader = await follow(gateway);
    await backend.send("data: 1\n\n");
    await settle(gateway);
    await backend.breakOff();
    await running;
    await settle(gateway);
    expect(reader.text()).toMatch(/event: job\.ended\n.*\n.*"state":"failed".*"backend-failed"/);
    expect(reader.isOver()).toBe(true);
  });

  it.each(["expired", "cancelled"] as const)(
    "ends in an event for a job that is %s",
    async (state) => {
      const gateway = await open();
      const reader = await follow(gateway);
      await gateway.services.jobs?.store.commitOutcome("job-1", { state, endedAt: 1, attempt: 1 });
      await settle(gateway);
      expect(reader.text()).toBe(
        `event: job.ended\nid: 0-end\ndata: {"id":"job-1","state":"${state}"}\n\n`,
      );
    },
  );

  it("ends in an event, too, for an answer that is no stream", async () => {
    const gateway = await open();
    gateway.backends.answer(200, "{}", [["content-type", "application/json"]]);
    await run(gateway, attemptOf(gateway));
    const reader = await follow(gateway);
    await settle(gateway);
    expect(reader.text()).toMatch(/^event: job\.ended\n.*\n.*"succeeded"/);
  });

  it("shows that it lives, and ends in time with the place to go on from", async () => {
    const gateway = await open();
    const backend = openStream(gateway);
    const running = run(gateway, attemptOf(gateway));
    const reader = await follow(gateway);
    await backend.send("data: 1\n\n");
    await gateway.clock.advance(20_000);
    expect(reader.text()).toContain(": \n\n");
    await gateway.clock.advance(200_000);
    expect(reader.text()).toMatch(/event: stream\.continue\nid: 1-9\ndata: \{"from":"1-9"\}\n\n$/);
    expect(reader.isOver()).toBe(true);
    expect(gateway.services.jobs?.tails.size).toBe(0);
    await backend.end();
    await running;
  });

  it("is watched once for all its readers, and no longer than one is there", async () => {
    const gateway = await open();
    const backend = openStream(gateway);
    const running = run(gateway, attemptOf(gateway));
    await backend.send("data: 1\n\n");
    await settle(gateway);
    let asked = 0;
    const { sizeOf } = gateway.results;
    gateway.results.sizeOf = (name) => {
      asked += 1;
      return sizeOf.call(gateway.results, name);
    };
    const readers = await Promise.all(Array.from({ length: 50 }, () => follow(gateway)));
    await gateway.clock.advance(10_000);
    expect(readers.every((reader) => reader.text().startsWith("data: 1\n"))).toBe(true);
    expect(asked).toBeLessThan(20);
    for (const reader of readers) reader.leave();
    await gateway.clock.advance(2000);
    expect(readers.every((reader) => reader.isOver())).toBe(true);
    expect(gateway.services.jobs?.tails.size).toBe(0);
    const before = asked;
    await gateway.clock.advance(60_000);
    expect(asked).toBe(before);
    await backend.end();
    await running;
  });

  it("outlasts a storage that is away for a while", async () => {
    const gateway = await open();
    gateway.backends.answer(200, "data: 1\n\n", SSE);
    const reader = await follow(gateway);
    gateway.table.isAway = true;
    await settle(gateway);
    gateway.table.isAway = false;
    await run(gateway, attemptOf(gateway));
    await settle(gateway);
    expect(reader.text()).toMatch(/^data: 1\nid: 1-9\n\nevent: job\.ended/);
  });

  it("is not begun at a place that is none", async () => {
    const gateway = await open();
    await expect(follow(gateway, "x")).rejects.toMatchObject({ code: "bad-request" });
  });
});
