import { describe, expect, it } from "vitest";
import type { HeaderList } from "../../../../shared/core/headers.ts";
import { followJobEvents } from "../../../../shared/gateway/index.ts";
import type { JobServices } from "../../../../shared/gateway/services.ts";
import type { StatusChange } from "../../../../shared/jobs/index.ts";
import { settle } from "../../../support/fake-clock.ts";
import { createGateway, type TestGateway } from "../../../support/gateway.ts";
import { textOf } from "../../../support/streams.ts";

const ANN: HeaderList = [["X-UserID", "ann"]];
const OUTCOME = { state: "succeeded", endedAt: Date.UTC(2026, 0, 1), attempt: 1 } as const;
const ENDED: StatusChange = { kind: "ended", outcome: OUTCOME };
const RUNNING: StatusChange = { kind: "running", attempt: 1 };

interface World extends TestGateway {
  readonly jobs: JobServices;
  announce(...changes: StatusChange[]): Promise<void>;
}

async function open(): Promise<World> {
  const gateway = createGateway();
  const { jobs } = gateway.services;
  if (!jobs) throw new Error("There are no jobs.");
  await jobs.store.insert({
    id: "job-1",
    owner: "ann",
    priority: 2,
    createdAt: gateway.clock.now(),
    expiresAt: gateway.clock.now() + 60_000,
    request: "{}",
  });
  return {
    ...gateway,
    jobs,
    async announce(...changes) {
      for (const change of changes) await jobs.events.announce("job-1", change);
    },
  };
}

const follow = (
  { services }: TestGateway,
  headers: HeaderList = ANN,
  closed = new AbortController().signal,
) => followJobEvents(services, { id: "job-1", headers, target: "/jobs/job-1/events", closed });

/** Reads a stream as it comes, without waiting for its end. */
function reading(body: unknown): { text(): string; readonly done: Promise<void> } {
  let text = "";
  const read = async (): Promise<void> => {
    for await (const chunk of body as AsyncIterable<Uint8Array>) text += Buffer.from(chunk);
  };
  return { text: () => text, done: read() };
}

const idsIn = (text: string): number[] =>
  [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));

describe("a job's events as they are followed", () => {
  it("come from the first to the last, each numbered, and then end", async () => {
    const world = await open();
    await world.announce({ kind: "queued" }, RUNNING, ENDED);
    const { status, headers, body } = await follow(world);
    expect(status).toBe(200);
    expect(headers).toContainEqual(["content-type", "text/event-stream"]);
    const stream = reading(body);
    await world.clock.advance(0);
    await stream.done;
    expect(idsIn(stream.text())).toEqual([1, 2, 3, 4]);
    const [, last = ""] = stream.text().split("id: 4\ndata: ");
    expect(JSON.parse(last)).toMatchObject({
      jobId: "job-1",
      status: "AsyncProcessed",
      state: "succeeded",
      isFinal: true,
    });
    expect(world.jobs.feed.readers).toBe(0);
    expect(world.clock.pending).toBe(0);
  });

  it("come at once from the same instance, and soon from another", async () => {
    const world = await open();
    const stream = reading((await follow(world)).body);
    await world.clock.advance(0);
    const announced = world.announce({ kind: "queued" });
    await world.clock.advance(0);
    await announced;
    expect(idsIn(stream.text())).toEqual([1]);

    const log = await world.jobs.eventLog.read("job-1");
    const [first] = log?.events ?? [];
    if (!first) throw new Error("Nothing was noted.");
    await world.jobs.eventLog.append("job-1", { ...first, ...OUTCOME, sequence: 2 });
    await world.clock.advance(5000);
    await stream.done;
    expect(idsIn(stream.text())).toEqual([1, 2]);
  });

  it("go on behind the last one that the reader has", async () => {
    const world = await open();
    await world.announce(RUNNING, ENDED);
    const stream = reading((await follow(world, [...ANN, ["Last-Event-ID", "2"]])).body);
    await world.clock.advance(0);
    await stream.done;
    expect(idsIn(stream.text())).toEqual([3, 4]);
  });

  it("are over for a reader who has seen the end: it is told not to ask again", async () => {
    const world = await open();
    await world.announce(ENDED);
    expect(await follow(world, [...ANN, ["Last-Event-ID", "2"]])).toMatchObject({ status: 204 });
  });

  it("are asked for with the number of an event, or refused", async () => {
    const world = await open();
    await expect(follow(world, [...ANN, ["Last-Event-ID", "x"]])).rejects.toMatchObject({
      code: "bad-request",
    });
  });

  it("are their owner's alone", async () => {
    const world = await open();
    await expect(follow(world, [["X-UserID", "bob"]])).rejects.toMatchObject({
      code: "job-not-found",
    });
  });

  it("keep a quiet connection alive, and let go of it when its reader leaves", async () => {
    const world = await open();
    const reader = new AbortController();
    const stream = reading((await follow(world, ANN, reader.signal)).body);
    await world.clock.advance(31_000);
    expect(stream.text().match(/^: waiting$/gm)).toHaveLength(2);
    reader.abort();
    await stream.done;
    expect(world.jobs.feed.readers).toBe(0);
    expect(world.clock.pending).toBe(0);
  });

  it("cost one look at a time, however many follow, and ever fewer while nothing happens", async () => {
    const world = await open();
    let looks = 0;
    const read = world.table.readRange.bind(world.table);
    world.table.readRange = (...range) => {
      looks += 1;
      return read(...range);
    };
    const streams = await Promise.all(
      Array.from({ length: 50 }, async () => reading((await follow(world)).body)),
    );
    await world.clock.advance(60_000);
    expect(looks).toBeLessThan(20);
    await world.announce(ENDED);
    await world.clock.advance(0);
    await settle();
    await Promise.all(streams.map(({ done }) => done));
    for (const stream of streams) expect(idsIn(stream.text())).toEqual([1, 2]);
  });

  it("outlast a storage that is away for a while", async () => {
    const world = await open();
    const { body } = await follow(world);
    world.table.isAway = true;
    const stream = reading(body);
    await world.clock.advance(10_000);
    world.table.isAway = false;
    await world.announce(ENDED);
    await world.clock.advance(5000);
    await stream.done;
    expect(idsIn(stream.text())).toEqual([1, 2]);
  });

  it("end when the instance stops, so that readers ask another one", async () => {
    const world = await open();
    const text = textOf((await follow(world)).body);
    await world.clock.advance(0);
    world.stop();
    await world.clock.advance(0);
    expect(idsIn(await text)).toEqual([1]);
  });
});
