import { describe, expect, it } from "vitest";
import { KeyedRunner } from "../../../local/durable/engine/keyed-runner.ts";
import { FakeClock, settle } from "../../support/fake-clock.ts";

interface Job {
  key: string;
  end: (hasMore?: boolean) => void;
  fail: () => void;
}

function setup(limit: number) {
  const jobs: Job[] = [];
  const clock = new FakeClock();
  const lines: string[] = [];
  const runner = new KeyedRunner({
    noun: "instance",
    limit,
    clock,
    log: (line) => lines.push(line),
    run: (key) =>
      new Promise((resolve, reject) => {
        jobs.push({
          key,
          end: (hasMore = false) => resolve(hasMore),
          fail: () => reject(new Error("disk full")),
        });
      }),
  });
  const keys = () => jobs.map(({ key }) => key);
  return { jobs, keys, clock, lines, runner };
}

describe("the keyed runner", () => {
  it("runs one job per key, and once more for wakes that came while it ran", async () => {
    const { runner, jobs, keys } = setup(10);
    for (const key of ["a", "a", "b", "a"]) runner.wake(key);
    expect(keys()).toEqual(["a", "b"]);
    jobs[0]?.end();
    await settle();
    expect(keys()).toEqual(["a", "b", "a"]);
    jobs[2]?.end();
    await settle();
    expect(keys()).toEqual(["a", "b", "a"]);
  });

  it("keeps to its limit and serves in order", async () => {
    const { runner, jobs, keys } = setup(2);
    for (const key of ["a", "b", "c", "d"]) runner.wake(key);
    expect(keys()).toEqual(["a", "b"]);
    jobs[1]?.end(true);
    await settle();
    expect(keys()).toEqual(["a", "b", "c"]);
    jobs[0]?.end();
    await settle();
    expect(keys()).toEqual(["a", "b", "c", "d"]);
    jobs[2]?.end();
    await settle();
    expect(keys()).toEqual(["a", "b", "c", "d", "b"]);
  });

  it("tries a failed job again after a while and says so", async () => {
    const { runner, jobs, keys, clock, lines } = setup(1);
    runner.wake("a");
    jobs[0]?.fail();
    await settle();
    expect(keys()).toEqual(["a"]);
    expect(lines[0]).toMatch(/^Durable: instance a could not go on.*disk full/s);
    await clock.advance(1_000);
    expect(keys()).toEqual(["a", "a"]);
  });

  it("stops when what runs has ended, and starts nothing after", async () => {
    const { runner, jobs, keys, clock } = setup(1);
    runner.wake("a");
    runner.wake("b");
    let isStopped = false;
    const stopped = runner.stop().then(() => {
      isStopped = true;
    });
    await settle();
    expect(isStopped).toBe(false);
    jobs[0]?.end(true);
    await stopped;
    runner.wake("c");
    expect(keys()).toEqual(["a"]);
    expect(clock.pending).toBe(0);
  });
});
