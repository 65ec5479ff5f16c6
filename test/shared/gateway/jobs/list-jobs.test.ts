import { beforeEach, describe, expect, it } from "vitest";
import type { JobList } from "../../../../shared/api/index.ts";
import { GatewayError } from "../../../../shared/core/errors.ts";
import { listJobs } from "../../../../shared/gateway/index.ts";
import { createGateway, type TestGateway } from "../../../support/gateway.ts";
import { textOf } from "../../../support/streams.ts";

const T0 = Date.UTC(2026, 0, 1);
const succeeded = { state: "succeeded", endedAt: T0, attempt: 1 } as const;

let gateway: TestGateway;
beforeEach(async () => {
  gateway = createGateway();
  for (let n = 1; n <= 7; n++) await insert(n, "ann");
  await insert(8, "ben");
  for (const n of [2, 4, 6])
    await gateway.services.jobs?.store.commitOutcome(`job-${n}`, succeeded);
});

const insert = (n: number, owner: string) =>
  gateway.services.jobs?.store.insert({
    id: `job-${n}`,
    owner,
    priority: 2,
    createdAt: T0 + n * 1000,
    expiresAt: T0 + 60_000,
    request: "{}",
  });

async function list(search = "", user = "ann"): Promise<JobList> {
  const query = { headers: [["X-UserID", user]] as const, target: `/jobs${search}` };
  const { body } = await listJobs(gateway.services, query);
  return JSON.parse(await textOf(body)) as JobList;
}

const numbers = ({ jobs }: JobList): number[] => jobs.map(({ id }) => Number(id.slice(4)));

describe("GET /jobs", () => {
  it("shows a caller's own jobs, newest first", async () => {
    expect(numbers(await list())).toEqual([7, 6, 5, 4, 3, 2, 1]);
    expect(numbers(await list("", "ben"))).toEqual([8]);
    expect(await list("", "nobody")).toEqual({ jobs: [] });
  });

  it.each([
    ["state=succeeded", [6, 4, 2]],
    ["state=queued", [7, 5, 3, 1]],
    ["state=queued,succeeded", [7, 6, 5, 4, 3, 2, 1]],
    ["state=failed", []],
    ["createdAfter=2026-01-01T00:00:05Z", [7, 6, 5]],
    ["createdBefore=2026-01-01T00:00:03Z", [2, 1]],
    ["createdAfter=2026-01-01T00:00:02Z&createdBefore=2026-01-01T00:00:04Z", [3, 2]],
  ])("shows by %s", async (search, expected) => {
    // Twice: the second time, ends are known from the list itself.
    for (let times = 0; times < 2; times++) {
      expect(numbers(await list(`?${search}`))).toEqual(expected);
    }
  });

  it.each([1, 2, 3, 7, 10])("shows each job once, however many go on a page: %d", async (limit) => {
    const seen: number[] = [];
    let search = `?limit=${limit}`;
    for (let pages = 0; ; pages++) {
      const page = await list(search);
      seen.push(...numbers(page));
      if (!page.continuation) break;
      expect(pages).toBeLessThan(10);
      search = `?limit=${limit}&continuation=${page.continuation}`;
    }
    expect(seen).toEqual([7, 6, 5, 4, 3, 2, 1]);
  });

  it("leaves out what is listed and is no job, as a crash may leave it", async () => {
    await gateway.table.remove("job-5", "job");
    expect(numbers(await list())).toEqual([7, 6, 4, 3, 2, 1]);
  });

  it("forgets a job that is removed", async () => {
    await gateway.services.jobs?.store.remove("job-6");
    expect(numbers(await list())).toEqual([7, 5, 4, 3, 2, 1]);
    const rows = [...gateway.table.rows.keys()].filter((key) => key.includes("job-6"));
    expect(rows).toEqual([]);
  });

  it.each(["state=done", "limit=0", "limit=101", "createdAfter=soon", "continuation=x", "page=2"])(
    "refuses %s",
    async (search) => {
      await expect(list(`?${search}`)).rejects.toThrowError(GatewayError);
    },
  );
});
