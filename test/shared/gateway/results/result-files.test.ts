import { describe, expect, it } from "vitest";
import { expireJob, readJob, resultLinks } from "../../../../shared/gateway/index.ts";
import type { ResultPlace } from "../../../../shared/jobs/index.ts";
import { createGateway, type TestGateway } from "../../../support/gateway.ts";
import { envelopeFor, run } from "../../../support/lane-messages.ts";

const PLACE: ResultPlace = { container: "results-ann", signsLinks: false, linkSeconds: 3600 };

async function open(results: ResultPlace | undefined = PLACE): Promise<TestGateway> {
  const gateway = createGateway();
  await gateway.services.jobs?.store.insert({
    id: "job-1",
    owner: "ann",
    priority: 2,
    createdAt: gateway.clock.now(),
    expiresAt: gateway.clock.now() + 60_000,
    request: JSON.stringify(jobEnvelope(gateway)),
    ...(results ? { results } : {}),
  });
  return gateway;
}

const jobEnvelope = (gateway: TestGateway, change: object = {}) =>
  envelopeFor(gateway, { kind: "job", id: "job-1", userId: "ann", ...change });

const textIn = (gateway: TestGateway, name: string): string | undefined =>
  gateway.placeOf(PLACE.container).blobs.get(name)?.toString();

const headersFile = (gateway: TestGateway): unknown =>
  JSON.parse(textIn(gateway, "job-1-Headers") ?? "null");

describe("V98: the files of a result", () => {
  it("are the exact bytes, and the original's fields beside them", async () => {
    const gateway = await open();
    gateway.backends.answer(200, "answer\0", [
      ["Content-Type", "application/json"],
      ["X-A", "1"],
      ["x-a", "2"],
    ]);
    await run(gateway, jobEnvelope(gateway));
    expect(textIn(gateway, "job-1")).toBe("answer\0");
    expect(headersFile(gateway)).toEqual({
      Headers: { "Content-Type": "application/json", "X-A": "1, 2" },
      UserId: "ann",
      MID: "job-1",
      Guid: "job-1",
      Status: "OK",
      Timestamp: new Date(gateway.clock.now()).toISOString(),
      BlobUri: "https://account.example/results-ann/job-1",
    });
  });

  it("leave nothing in the gateway's own container", async () => {
    const gateway = await open();
    gateway.backends.answer(200, "answer");
    await run(gateway, jobEnvelope(gateway));
    expect(gateway.results.blobs.size).toBe(0);
  });

  it("are what the gateway's own API reads, too", async () => {
    const gateway = await open();
    gateway.backends.answer(200, "answer");
    await run(gateway, jobEnvelope(gateway));
    const outcome = (await gateway.services.jobs?.store.read("job-1"))?.outcome;
    expect(outcome?.result).toMatchObject({ container: "results-ann", blob: "job-1" });
  });

  it("are not made for a caller without a container", async () => {
    const gateway = createGateway();
    const { services } = gateway;
    await services.jobs?.store.insert({
      id: "job-1",
      owner: "ann",
      priority: 2,
      createdAt: 0,
      expiresAt: gateway.clock.now() + 60_000,
      request: "{}",
    });
    gateway.backends.answer(200, "answer");
    await run(gateway, jobEnvelope(gateway));
    expect([...gateway.results.blobs.values()].map(String)).toEqual(["answer"]);
    expect(gateway.placeOf(PLACE.container).blobs.size).toBe(0);
  });
});

describe("V103: a result that is an error", () => {
  it("is kept with its status and its body", async () => {
    const gateway = await open();
    gateway.backends.answer(500, "broken");
    await run(gateway, jobEnvelope(gateway, { attempt: 3 }));
    expect(textIn(gateway, "job-1")).toBe("broken");
    expect(headersFile(gateway)).toMatchObject({ Status: "InternalServerError" });
  });

  it("is the gateway's own answer where no backend gave one", async () => {
    const gateway = await open();
    await expireJob(gateway.services, { jobId: "job-1", attempt: 1, epoch: 0 });
    expect(JSON.parse(textIn(gateway, "job-1") ?? "")).toMatchObject({ code: "ttl-expired" });
    expect(headersFile(gateway)).toMatchObject({
      Status: "PreconditionFailed",
      Headers: { "content-type": "application/problem+json" },
    });
  });

  it("tells nothing that is not for callers", async () => {
    const gateway = await open();
    await gateway.services.jobs?.store.commitOutcome("job-1", {
      state: "failed",
      endedAt: 1,
      attempt: 1,
      error: { code: "delivery-failed", detail: "host-7 said no" },
    });
    expect(textIn(gateway, "job-1")).not.toContain("host-7");
  });
});

describe("the removal of a job's results", () => {
  it("takes both files, and what attempts left behind", async () => {
    const gateway = await open();
    gateway.results.blobs.set("job-1/left", Buffer.from("x"));
    gateway.results.blobs.set("job-10/other", Buffer.from("x"));
    gateway.backends.answer(200, "answer");
    await run(gateway, jobEnvelope(gateway));
    const { jobs } = gateway.services;
    const snapshot = await jobs?.store.read("job-1");
    if (snapshot) await jobs?.files.remove(snapshot);
    expect([...gateway.placeOf(PLACE.container).blobs.keys()]).toEqual([]);
    expect([...gateway.results.blobs.keys()]).toEqual(["job-10/other"]);
  });
});

describe("the links to a result", () => {
  const job = (change: Partial<ResultPlace> = {}) => ({
    id: "job-1",
    results: { ...PLACE, ...change },
  });

  it("are plain unless the profile asks for signed ones", async () => {
    const { services } = await open();
    expect(await resultLinks(services, job())).toEqual({
      dataBlobUri: "https://account.example/results-ann/job-1",
      headerBlobUri: "https://account.example/results-ann/job-1-Headers",
    });
  });

  it("are signed for as long as the profile says, and anew with each status call", async () => {
    const gateway = await open({ ...PLACE, signsLinks: true, linkSeconds: 60 });
    const statusLinks = async (): Promise<unknown> => {
      const query = { id: "job-1", headers: [["X-UserID", "ann"]], target: "/" } as const;
      const { body } = await readJob(gateway.services, query);
      return JSON.parse(String(body)).links.dataBlobUri;
    };
    const until = (): string =>
      `https://account.example/results-ann/job-1?until=${gateway.clock.now() + 60_000}`;
    expect(await statusLinks()).toBe(until());
    await gateway.clock.advance(30_000);
    expect(await statusLinks()).toBe(until());
  });

  it("come plain, and are told of, when they cannot be signed", async () => {
    const { services, events } = await open();
    if (services.jobs) {
      services.jobs.links.signed = () => Promise.reject(new Error("no right to sign"));
    }
    const links = await resultLinks(services, job({ signsLinks: true }));
    expect(links?.dataBlobUri).toBe("https://account.example/results-ann/job-1");
    expect(events).toContainEqual(expect.objectContaining({ event: "job.link.failed" }));
  });

  it("are not there for a caller without a container", async () => {
    const { services } = await open();
    expect(await resultLinks(services, { id: "job-1" })).toBeUndefined();
  });
});
