import { describe, expect, it } from "vitest";
import { GatewayError } from "../../../../shared/core/errors.ts";
import type { HeaderList } from "../../../../shared/core/headers.ts";
import { readJob, readJobResult } from "../../../../shared/gateway/index.ts";
import type { JobOutcome } from "../../../../shared/jobs/index.ts";
import { createGateway, type TestGateway } from "../../../support/gateway.ts";
import { textOf } from "../../../support/streams.ts";

const ANN: HeaderList = [["X-UserID", "ann"]];
const CREATED = Date.UTC(2026, 0, 1);

async function withJob(...outcomes: JobOutcome[]): Promise<TestGateway> {
  const gateway = createGateway();
  const store = gateway.services.jobs?.store;
  await store?.insert({
    id: "job-1",
    owner: "ann",
    priority: 2,
    createdAt: CREATED,
    expiresAt: CREATED + 60_000,
    request: "{}",
  });
  for (const outcome of outcomes) await store?.commitOutcome("job-1", outcome);
  return gateway;
}

function succeededWith(change: Partial<NonNullable<JobOutcome["result"]>> = {}): JobOutcome {
  const result = { status: 200, headers: [], blob: "job-1/a", sizeBytes: 6, ...change };
  return { state: "succeeded", endedAt: CREATED + 5000, attempt: 1, result };
}

const codeOf = (reading: Promise<unknown>): Promise<string> =>
  reading.then(
    () => "answered",
    (error: unknown) => (error instanceof GatewayError ? error.code : "thrown"),
  );

describe("readJob", () => {
  it("is kept by nobody on its way: it is one caller's, and changes", async () => {
    for (const gateway of [await withJob(), await withJob(succeededWith())]) {
      const query = { id: "job-1", headers: ANN, target: "/jobs/job-1" };
      const { headers } = await readJob(gateway.services, query);
      expect(headers).toContainEqual(["cache-control", "no-store"]);
    }
  });

  it("shows a job that waits, and says when to ask again", async () => {
    const { services } = await withJob();
    const response = await readJob(services, { id: "job-1", headers: ANN, target: "/" });
    expect(response.status).toBe(202);
    expect(response.headers).toContainEqual(["retry-after", "2"]);
    expect(JSON.parse(await textOf(response.body))).toEqual({
      id: "job-1",
      state: "queued",
      priority: 2,
      attempts: 0,
      waiting: { position: 0, estimatedWaitMs: 0 },
      history: [],
      createdAt: "2026-01-01T00:00:00.000Z",
      expiresAt: "2026-01-01T00:01:00.000Z",
      links: {
        self: "/jobs/job-1",
        result: "/jobs/job-1/result",
        events: "/jobs/job-1/events",
        stream: "/jobs/job-1/stream",
      },
    });
  });

  it("shows a job that runs, since its first attempt", async () => {
    const { services } = await withJob();
    await services.jobs?.store.recordStart("job-1", { attempt: 1, epoch: 0 }, CREATED + 1000);
    await services.jobs?.store.recordStart("job-1", { attempt: 2, epoch: 0 }, CREATED + 2000);
    const response = await readJob(services, { id: "job-1", headers: ANN, target: "/" });
    expect(response.status).toBe(202);
    expect(JSON.parse(await textOf(response.body))).toMatchObject({
      state: "running",
      attempts: 2,
      startedAt: "2026-01-01T00:00:01.000Z",
    });
  });

  it("shows how a job ended, and nothing of where its bytes are", async () => {
    const { services } = await withJob(succeededWith());
    const response = await readJob(services, { id: "job-1", headers: ANN, target: "/" });
    const text = await textOf(response.body);
    expect(response.status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({
      state: "succeeded",
      endedAt: "2026-01-01T00:00:05.000Z",
      result: { status: 200, sizeBytes: 6 },
    });
    expect(text).not.toContain("job-1/a");
  });

  it("shows why the gateway ended a job", async () => {
    const error = { code: "ttl-expired", detail: "The job's time to live is over." };
    const { services } = await withJob({ state: "expired", endedAt: CREATED, attempt: 1, error });
    const { body } = await readJob(services, { id: "job-1", headers: ANN, target: "/" });
    expect(JSON.parse(await textOf(body))).toMatchObject({ state: "expired", error });
  });

  it.each<[string, HeaderList]>([
    ["somebody else", [["X-UserID", "bob"]]],
    ["nobody in particular", []],
  ])("does not know the job for %s", async (_, headers) => {
    const { services } = await withJob(succeededWith());
    for (const read of [readJob, readJobResult]) {
      expect(await codeOf(read(services, { id: "job-1", headers, target: "/" }))).toBe(
        "job-not-found",
      );
    }
  });

  it("does not know a job that never was", async () => {
    const { services } = await withJob();
    expect(await codeOf(readJob(services, { id: "job-2", headers: ANN, target: "/" }))).toBe(
      "job-not-found",
    );
  });

  it("knows no jobs where the app serves none", async () => {
    const { services } = createGateway({ GATEWAY_ROLE: "stream" });
    expect(await codeOf(readJob(services, { id: "job-1", headers: ANN, target: "/" }))).toBe(
      "async-unavailable",
    );
  });
});

describe("readJobResult", () => {
  const read = ({ services }: TestGateway) =>
    readJobResult(services, { id: "job-1", headers: ANN, target: "/" });

  it("gives the backend's status, headers and exact bytes", async () => {
    const headers = [
      ["Content-Encoding", "gzip"],
      ["Set-Cookie", "a=1"],
      ["Connection", "close"],
      ["Set-Cookie", "b=2"],
    ] as const;
    const gateway = await withJob(succeededWith({ status: 422, headers }));
    await gateway.results.write("job-1/a", Buffer.from("answer"));
    const response = await read(gateway);
    expect(response.status).toBe(422);
    expect(response.headers).toEqual([
      ["Content-Encoding", "gzip"],
      ["Set-Cookie", "a=1"],
      ["Set-Cookie", "b=2"],
      ["content-length", "6"],
    ]);
    expect(await textOf(response.body)).toBe("answer");
  });

  it("states the length of what there is, not of what a HEAD request was told", async () => {
    const headers = [["Content-Length", "1000"]] as const;
    const response = await read(await withJob(succeededWith({ headers, sizeBytes: 0 })));
    expect(response).toMatchObject({ headers: [["content-length", "0"]], body: undefined });
  });

  it.each([204, 304])("gives a %d without body and length", async (status) => {
    const response = await read(await withJob(succeededWith({ status, sizeBytes: 0 })));
    expect(response).toEqual({ status, headers: [], body: undefined });
  });

  it("says that a job has not finished, and when to ask again", async () => {
    const reading = read(await withJob());
    await expect(reading).rejects.toMatchObject({ code: "job-not-finished", retryAfterMs: 2000 });
  });

  it("says that a job ended without a result", async () => {
    const gateway = await withJob({ state: "expired", endedAt: 1, attempt: 1 });
    expect(await codeOf(read(gateway))).toBe("job-without-result");
  });

  it("says that a result is gone", async () => {
    expect(await codeOf(read(await withJob(succeededWith())))).toBe("job-without-result");
  });
});
