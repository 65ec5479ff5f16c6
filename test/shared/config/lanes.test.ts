import { describe, expect, it } from "vitest";
import lanesDocument from "../../../infra/lanes.json" with { type: "json" };
import { parseLanes, shippedLanes } from "../../../shared/config/index.ts";

type Document = Record<string, unknown> & { lanes: Record<string, unknown>[] };

function changed(change: (document: Document) => void): Document {
  const document = structuredClone(lanesDocument) as unknown as Document;
  change(document);
  return document;
}

const withLanes = (...changes: Record<string, unknown>[]): Document =>
  changed((document) => {
    changes.forEach((change, index) => {
      Object.assign(document.lanes[index] ?? {}, change);
    });
  });

describe("the lanes document", () => {
  it("is valid as shipped, most urgent first, with durations in milliseconds", () => {
    const { lanes, replies, queueDefaults } = shippedLanes();
    const priorities = lanes.map(({ priority }) => priority);
    expect(priorities).toEqual(priorities.toSorted((a, b) => a - b));
    expect(lanes[0]).toMatchObject({ priority: 1, lockDuration: 60_000 });
    expect(replies.defaultMessageTimeToLive).toBe(600_000);
    expect(queueDefaults.defaultMessageTimeToLive).toBe(7 * 86_400_000);
  });

  it("orders lanes by urgency, in whatever order they are written", () => {
    const { lanes } = parseLanes(changed((document) => document.lanes.reverse()));
    expect(lanes).toEqual(shippedLanes().lanes);
  });

  it.each([
    ["two lanes of one name", withLanes({ name: "x" }, { name: "x" }), "two lanes share a name"],
    [
      "two lanes of one queue",
      withLanes({ queue: "x" }, { queue: "x" }),
      "two lanes share a queue",
    ],
    ["two queues of one name", withLanes({ overQueue: "replies" }), "two lanes share a queue"],
    ["no queue for those over their share", withLanes({ overQueue: undefined }), "overQueue"],
    ["two lanes of one class", withLanes({ priority: 2 }), "two lanes share a priority"],
    ["no lanes", changed((document) => document.lanes.splice(0)), "lanes"],
    ["an unknown key", withLanes({ colour: "red" }), "colour"],
    ["a share beyond the whole", withLanes({ share: 1.5 }), "share"],
    ["a lane that runs nothing", withLanes({ concurrency: 0 }), "concurrency"],
    ["a name that no queue may have", withLanes({ queue: "Lane 1" }), "lower-case letters"],
    ["a class below the most urgent", withLanes({ priority: 0 }), "priority"],
    ["a duration in words", withLanes({ lockDuration: "1 minute" }), "ISO 8601 duration"],
  ])("is refused with %s", (_, document, problem) => {
    expect(() => parseLanes(document)).toThrow(problem);
  });

  it("names every problem at once", () => {
    const document = withLanes({ share: -1 }, { concurrency: 0 }, { maxDeliveryCount: 0 });
    expect(() => parseLanes(document)).toThrow(/share[\s\S]*concurrency[\s\S]*maxDeliveryCount/);
  });
});
