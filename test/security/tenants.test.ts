import { afterEach, describe, expect, it, vi } from "vitest";
import type { HeaderList } from "../../shared/core/headers.ts";
import type { GatewayResponse } from "../../shared/core/http.ts";
import {
  answering,
  cancelJob,
  followJobEvents,
  handleRequest,
  listJobs,
  moveJob,
  readBatchErrors,
  readJob,
  readJobResult,
  readJobStream,
  readUsage,
  redeliverEvent,
} from "../../shared/gateway/index.ts";
import { acceptSubmission } from "../../shared/gateway/jobs/accept-submission.ts";
import { readSubmission } from "../../shared/messaging/index.ts";
import { createGateway, fakeEngine, requestTo, type TestGateway } from "../support/gateway.ts";
import { bodyOf, textOf } from "../support/streams.ts";

const ANN = [["X-UserID", "ann"]] as const;
const BOB = [["X-UserID", "bob"]] as const;
const OPERATOR = [["x-operator-key", "the key"]] as const;
const NEVER = new AbortController().signal;

type Ask = (gateway: TestGateway, id: string, headers: HeaderList) => Promise<GatewayResponse>;

const queryOf = (id: string, headers: HeaderList) => ({
  id,
  headers,
  target: `/jobs/${id}`,
  closed: NEVER,
  engine: fakeEngine(),
});

/** Every way to ask for one job. */
const ASKED: readonly (readonly [string, Ask])[] = [
  ["its state", ({ services }, id, headers) => readJob(services, queryOf(id, headers))],
  ["its result", ({ services }, id, headers) => readJobResult(services, queryOf(id, headers))],
  ["its errors", ({ services }, id, headers) => readBatchErrors(services, queryOf(id, headers))],
  ["its stream", ({ services }, id, headers) => readJobStream(services, queryOf(id, headers))],
  ["its events", ({ services }, id, headers) => followJobEvents(services, queryOf(id, headers))],
  [
    "an event once more",
    ({ services }, id, headers) =>
      redeliverEvent(services, { ...queryOf(id, headers), sequence: "1" }),
  ],
  ["its end", ({ services }, id, headers) => cancelJob(services, queryOf(id, headers))],
  [
    "another class",
    ({ services }, id, headers) =>
      moveJob(services, { ...queryOf(id, headers), body: bodyOf('{"priority":1}') }),
  ],
];

const open: TestGateway[] = [];
afterEach(() => {
  for (const gateway of open.splice(0)) gateway.stop();
});

/** A gateway where Ann has a job. */
async function annsJob(): Promise<TestGateway> {
  const gateway = createGateway({ OperatorKeys: "the key" });
  open.push(gateway);
  const headers = [...ANN, ["S7PAsyncMode", "true"]] as const;
  const request = requestTo(gateway, { id: "job-1", headers, body: "question" });
  expect((await handleRequest(gateway.services, request, fakeEngine())).status).toBe(202);
  // What goes on behind the 202 would be counted with what is asked.
  await gateway.services.jobs?.detached.close();
  return gateway;
}

/** An answer as the client sees it, and how often it took a look at what is stored. */
async function answered(
  gateway: TestGateway,
  ask: Promise<GatewayResponse> | (() => Promise<GatewayResponse>),
) {
  const looks = (["get", "readPartition", "readRange", "insert", "upsert"] as const).map((name) =>
    vi.spyOn(gateway.table, name),
  );
  const make = typeof ask === "function" ? ask : () => ask;
  const { status, headers, body } = await answering(gateway.services, "request-9", make);
  const counts = looks.map((look) => look.mock.calls.length);
  for (const look of looks) look.mockRestore();
  return {
    status,
    headers,
    text: body instanceof Uint8Array ? Buffer.from(body).toString() : "",
    counts,
  };
}

describe("another's job", () => {
  it.each(ASKED)("answers as one that never was, whoever asks for %s", async (_, ask) => {
    const gateway = await annsJob();
    const before = JSON.stringify([...gateway.table.rows.values()]);
    const absent = await answered(gateway, () => ask(gateway, "job-2", BOB));
    expect([absent.status, absent.text]).toEqual([404, expect.stringContaining("job-not-found")]);
    // Not even the number of looks tells them apart.
    for (const headers of [
      BOB,
      [],
      [["X-UserID", "ANN"]] as const,
      [["X-UserID", "ann "]] as const,
    ]) {
      expect(await answered(gateway, () => ask(gateway, "job-1", headers))).toEqual(absent);
    }
    expect(JSON.stringify([...gateway.table.rows.values()])).toBe(before);
  });

  it.each(ASKED)("is its owner's, who may ask for %s", async (_, ask) => {
    const gateway = await annsJob();
    const { text } = await answered(gateway, () => ask(gateway, "job-1", ANN));
    expect(text).not.toContain("job-not-found");
  });

  it("is on nobody else's list, and no place on a list leads to it", async () => {
    const gateway = await annsJob();
    const later = requestTo(gateway, { id: "job-3", headers: [...ANN, ["S7PAsyncMode", "true"]] });
    await handleRequest(gateway.services, later, fakeEngine());
    const list = async (headers: typeof ANN | typeof BOB, query = "") => {
      const { body } = await listJobs(gateway.services, { headers, target: `/jobs${query}` });
      return JSON.parse(await textOf(body)) as { jobs: { id: string }[]; continuation?: string };
    };
    const own = await list(ANN, "?limit=1");
    expect([own.jobs.length, (await list(ANN)).jobs.length]).toEqual([1, 2]);
    expect(await list(BOB)).toEqual({ jobs: [] });
    const stolen = await list(BOB, `?continuation=${own.continuation}`);
    expect([own.continuation, stolen.jobs]).toEqual([expect.any(String), []]);
    const asking = listJobs(gateway.services, { headers: BOB, target: "/jobs?owner=ann" });
    await expect(asking).rejects.toMatchObject({ code: "operator-key-missing" });
    const asOperator = { headers: OPERATOR, target: "/jobs?owner=ann" };
    const { body } = await listJobs(gateway.services, asOperator);
    expect(JSON.parse(await textOf(body)).jobs).toHaveLength(2);
  });

  it("is not taken over by a submission of its id", async () => {
    const gateway = await annsJob();
    const { waitingRoom: room, jobs } = gateway.services;
    if (!room || !jobs) throw new Error("There are no jobs.");
    const means = {
      room,
      jobs,
      engine: fakeEngine(),
      arrivedAt: gateway.clock.now(),
      trace: undefined,
    };
    const submission = readSubmission({ id: "job-1", user: "bob", path: "/chat" });
    const accepting = acceptSubmission(gateway.services, submission, means);
    await expect(accepting).rejects.toMatchObject({ code: "job-id-taken" });
    expect((await jobs.store.read("job-1"))?.job.owner).toBe("ann");
  });
});

describe("a job's own class", () => {
  const KEY = ["S7PPriorityKey", "12345"] as const;
  const move = async (gateway: TestGateway, priority: number, headers: HeaderList) => {
    const body = bodyOf(JSON.stringify({ priority }));
    const ask = () => moveJob(gateway.services, { ...queryOf("job-1", headers), body });
    return (await answered(gateway, ask)).status;
  };

  it("is changed for no better one whose key its owner does not show", async () => {
    const gateway = await annsJob();
    expect(await move(gateway, 1, ANN)).toBe(403);
    expect(await move(gateway, 1, [...ANN, ["S7PPriorityKey", "54321"]])).toBe(403);
    expect(await move(gateway, 3, ANN)).toBe(200);
    // Back to where it was accepted, and with the key beyond that.
    expect(await move(gateway, 2, ANN)).toBe(200);
    expect(await move(gateway, 1, [...ANN, KEY])).toBe(200);
  });

  it("is changed for any by operators", async () => {
    expect(await move(await annsJob(), 1, OPERATOR)).toBe(200);
  });
});

describe("another's answer", () => {
  it("is not given for the same key, body and path", async () => {
    const gateway = createGateway({ GATEWAY_SYNC_MODE: "direct" });
    open.push(gateway);
    gateway.backends.answer(200, "for ann");
    gateway.backends.answer(200, "for bob");
    const ask = async (id: string, user: typeof ANN | typeof BOB) => {
      const headers = [...user, ["Idempotency-Key", "one"]] as const;
      const request = requestTo(gateway, { id, headers, body: "question" });
      const { body } = await handleRequest(gateway.services, request, undefined);
      return textOf(body);
    };
    expect([await ask("a", ANN), await ask("b", BOB), await ask("c", ANN)]).toEqual([
      "for ann",
      "for bob",
      "for ann",
    ]);
  });
});

describe("what another used", () => {
  it.each(["user=ann", "group=backend", "group=user&user=ann"])(
    "is told to operators only: %s",
    async (query) => {
      const gateway = await annsJob();
      const target = `/usage?${query}`;
      const asking = readUsage(gateway.services, { headers: BOB, target });
      await expect(asking).rejects.toMatchObject({ code: "operator-key-missing" });
      const { status } = await readUsage(gateway.services, { headers: OPERATOR, target });
      expect(status).toBe(200);
    },
  );
});
