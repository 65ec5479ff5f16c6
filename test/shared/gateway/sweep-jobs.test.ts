import { describe, expect, it, vi } from "vitest";
import { sweepJobs } from "../../../shared/gateway/index.ts";
import { createGateway } from "../../support/gateway.ts";
import { acceptedJob, run } from "../../support/lane-messages.ts";

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

  it("is taken off the list though nothing is left of it", async () => {
    const { gateway, archive } = await endedJob();
    await gateway.services.jobs?.store.remove("job-1");
    await sweepJobs(gateway.services, archive);
    expect(archive.purge).toHaveBeenCalledOnce();
  });
});
