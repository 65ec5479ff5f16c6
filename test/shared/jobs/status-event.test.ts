import { describe, expect, it } from "vitest";
import {
  type JobOutcome,
  nextEvent,
  type StatusChange,
  type StatusEvent,
} from "../../../shared/jobs/index.ts";

const NOW = Date.UTC(2026, 0, 1);
const queued: StatusChange = { kind: "queued" };
const running = (attempt = 1): StatusChange => ({ kind: "running", attempt });
const retrying = (attempt = 1): StatusChange => ({ kind: "retrying", attempt, retryAt: NOW });
const requeued = (attempt = 1): StatusChange => ({ kind: "requeued", attempt, retryAt: NOW });
const ended = (state: JobOutcome["state"] = "succeeded"): StatusChange => ({
  kind: "ended",
  outcome: { state, endedAt: NOW, attempt: 1 },
});

/** The statuses that changes lead to, one after the other. */
function statusesAfter(changes: readonly StatusChange[]): string[] {
  const events: StatusEvent[] = [];
  for (const change of changes) {
    for (;;) {
      const event = nextEvent(events, change, NOW);
      if (!event) break;
      expect(event.sequence).toBe(events.length + 1);
      events.push(event);
    }
  }
  return events.map(({ status }) => status);
}

describe("a job's log", () => {
  it("tells a plain job as the original does", () => {
    expect(statusesAfter([queued, running(), ended()])).toEqual([
      "Queued",
      "Processing",
      "AsyncProcessing",
      "AsyncProcessed",
    ]);
  });

  it("begins with Queued, whatever is noted first", () => {
    expect(statusesAfter([ended("expired")])).toEqual(["Queued", "Expired"]);
  });

  it("tells attempts that are repeated, and AsyncProcessing once a job", () => {
    expect(statusesAfter([running(), retrying(), running(2), ended("failed")])).toEqual([
      "Queued",
      "Processing",
      "AsyncProcessing",
      "RetryScheduled",
      "Processing",
      "Failed",
    ]);
  });

  it("tells an attempt that went back to its lane, each time", () => {
    const twice = [running(), requeued(), requeued(), running(), requeued(), running()];
    expect(statusesAfter(twice).slice(3)).toEqual([
      "Requeued",
      "Processing",
      "Requeued",
      "Processing",
    ]);
  });

  it("says nothing twice, and nothing that comes too late", () => {
    const once = [queued, running(), retrying(), running(2), ended()];
    const doubled = once.flatMap((change) => [change, change]);
    expect(statusesAfter(doubled)).toEqual(statusesAfter(once));
    const late = [
      ...once.slice(0, 3),
      running(),
      ...once.slice(3, 4),
      retrying(),
      ...once.slice(4),
    ];
    expect(statusesAfter([...late, ...once])).toEqual(statusesAfter(once));
  });

  it("stays bounded, however often an attempt goes back, and still tells the end", () => {
    const storm = Array.from({ length: 1000 }, () => [running(), requeued()]).flat();
    const statuses = statusesAfter([...storm, ended("cancelled")]);
    expect(statuses).toHaveLength(501);
    expect(statuses.at(-1)).toBe("Cancelled");
  });
});
