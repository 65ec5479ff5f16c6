import { rmSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import { finishedJob } from "../support/job-client.ts";
import { makeDataDir, startStack } from "../support/stack.ts";

const JOBS = 100;
const SLOW_ANSWER = { "x-sim-ttft-ms": "300", "x-sim-output-tokens": "20" };

describe("kill -9 of everything", () => {
  it("leaves each of 100 accepted jobs with exactly one final state", async () => {
    const dataDir = makeDataDir();
    onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
    const before = await startStack({ dataDir });
    const locations = await acceptJobs(before.url);
    await before.crash();

    await using after = await startStack({ dataDir });
    const jobs = await Promise.all(
      locations.map((location) => finishedJob(after.url, location, { withinMs: 120_000 })),
    );
    expect(jobs.map((job) => job.state)).toEqual(Array(JOBS).fill("succeeded"));
    expect(jobs.map((job) => job.usage?.provenance)).toEqual(Array(JOBS).fill("reported"));
    const results = await Promise.all(
      locations.map(async (location) => (await fetch(`${after.url}${location}/result`)).json()),
    );
    expect(results.map((result) => Object(result).object)).toEqual(
      Array(JOBS).fill("chat.completion"),
    );
    const again = await Promise.all(locations.map((location) => finishedJob(after.url, location)));
    expect(again).toEqual(jobs);
  });
});

async function acceptJobs(url: string): Promise<string[]> {
  const responses = await Promise.all(
    Array.from({ length: JOBS }, (_, n) =>
      fetch(`${url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json", S7PAsyncMode: "true", ...SLOW_ANSWER },
        body: JSON.stringify({
          model: "gpt-4o",
          messages: [{ role: "user", content: `Job ${n}` }],
        }),
      }),
    ),
  );
  expect(responses.map((response) => response.status)).toEqual(Array(JOBS).fill(202));
  return responses.map((response) => response.headers.get("location") ?? "");
}
