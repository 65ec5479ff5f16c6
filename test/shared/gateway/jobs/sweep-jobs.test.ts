import { describe, expect, it, vi } from "vitest";
import {
  acceptBatch,
  advanceBatch,
  finishBatch,
  sweepJobs,
} from "../../../../shared/gateway/index.ts";
import { FIRST_CURSOR } from "../../../../shared/jobs/index.ts";
import { createGateway, fakeEngine } from "../../../support/gateway.ts";
import { acceptedJob, run } from "../../../support/lane-messages.ts";
import { bodyOf } from "../../../support/streams.ts";

const DAY_MS = 86_400_000;

async function endedJob() {
  const gateway = createGateway({
    GATEWAY_MESSAGING_INLINE_BYTES: "1",
    GATEWAY_JOBS_RETENTION_SECONDS: "86400",
  });
  gateway.backends.answer(200, "result");
  await run(gateway, await acceptedJob(gateway));
  const purge = vi.fn(async () => {});
  const endedBefore = vi.fn(async (epochMs: number) =>
    gateway.clock.now() - DAY_MS === epochMs ? ["job-1"] : [],
  );
  return { gateway, archive: { purge, endedBefore } };
}

describe("a job that has been kept for long enough", () => {
  it("leaves nothing behind: no result, no request, no row, no history", async () => {
    const { gateway, archive } = await endedJob();
    expect(gateway.results.blobs.size).toBe(1);
    expect(gateway.work.blobs.size).toBe(1);
    await sweepJobs(gateway.services, archive);
    expect(archive.purge).toHaveBeenCalledExactlyOnceWith("job-1");
    expect(gateway.results.blobs.size).toBe(0);
    expect(gateway.work.blobs.size).toBe(0);
    expect([...gateway.table.rows.keys()]).toEqual([]);
  });

  it("leaves nothing of a batch behind either, lines that never ran among them", async () => {
    const gateway = createGateway({
      GATEWAY_MESSAGING_INLINE_BYTES: "1",
      GATEWAY_JOBS_RETENTION_SECONDS: "86400",
    });
    const line = (n: number) =>
      JSON.stringify({ custom_id: `c${n}`, method: "POST", url: "/chat", body: { n } });
    const query = { id: "", headers: [], target: "/jobs/batch", engine: fakeEngine() };
    const body = bodyOf([line(0), line(1)].join("\n"));
    await acceptBatch(gateway.services, { ...query, body });
    const jobId = String(query.engine.start.mock.calls[0]?.[0]);
    await advanceBatch(gateway.services, { jobId, cursor: FIRST_CURSOR, isLate: false });
    gateway.backends.answer(200, "{}");
    await run(gateway, gateway.bus.sent[0]?.message.body);
    await finishBatch(gateway.services, jobId);
    expect(gateway.work.blobs.size).toBe(1);
    const archive = { purge: vi.fn(async () => {}), endedBefore: async () => [jobId] };
    await sweepJobs(gateway.services, archive);
    expect(archive.purge).toHaveBeenCalledExactlyOnceWith(jobId);
    expect([gateway.results.blobs.size, gateway.work.blobs.size]).toEqual([0, 0]);
    expect([...gateway.table.rows.keys()]).toEqual([]);
  });

  it("stays on the list when it could not be forgotten, and goes with the next sweep", async () => {
    const { gateway, archive } = await endedJob();
    gateway.table.isAway = true;
    await sweepJobs(gateway.services, archive);
    expect(archive.purge).not.toHaveBeenCalled();
    expect(gateway.events.map(({ event }) => event)).toContain("jobs.sweep.failed");
    gateway.table.isAway = false;
    await sweepJobs(gateway.services, archive);
    expect(archive.purge).toHaveBeenCalledOnce();
    expect(gateway.table.rows.size).toBe(0);
  });

  it("leaves no body behind when it was given up before it was a job", async () => {
    const { gateway, archive } = await endedJob();
    await gateway.services.jobs?.store.remove("job-1");
    await gateway.services.jobs?.store.giveUp("job-1", gateway.clock.now());
    expect(gateway.work.blobs.size).toBe(1);
    await sweepJobs(gateway.services, archive);
    expect([gateway.work.blobs.size, gateway.table.rows.size]).toEqual([0, 0]);
  });

  it("is taken off the list though nothing is left of it", async () => {
    const { gateway, archive } = await endedJob();
    await gateway.services.jobs?.store.remove("job-1");
    await sweepJobs(gateway.services, archive);
    expect(archive.purge).toHaveBeenCalledOnce();
  });
});
