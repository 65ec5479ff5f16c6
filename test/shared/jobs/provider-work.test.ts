import { describe, expect, it } from "vitest";
import { findProviderWork, judgePoll, ownTarget } from "../../../shared/jobs/index.ts";

const called = { origin: "https://one.test", target: "/openai/v1/responses?api-version=v1&x=1" };
const response = { id: "resp_1", object: "response", status: "queued", background: true };

function found(status: number, fields: object, headers: readonly (readonly [string, string])[]) {
  return findProviderWork({ status, headers, fields: fields as Record<string, unknown> }, called);
}

describe("findProviderWork", () => {
  it.each(["queued", "in_progress"])(
    "finds a response that is %s, with the same query",
    (status) => {
      expect(found(200, { ...response, status }, [])).toEqual({
        kind: "response",
        target: "/openai/v1/responses/resp_1?api-version=v1&x=1",
      });
    },
  );

  it.each([
    ["is complete", { ...response, status: "completed" }],
    ["is nothing of the kind", { id: "x", status: "queued" }],
    ["has an id that leaves its path", { ...response, id: "../admin" }],
    ["has an id of dots", { ...response, id: ".." }],
    ["has no id", { ...response, id: undefined }],
  ])("takes for a result what %s", (_, fields) => {
    expect(found(200, fields, [])).toBeUndefined();
  });

  it("prefers the operation, and keeps where the result will be", () => {
    const headers = [
      ["Location", "/results/7"],
      ["Operation-Location", "https://one.test/operations/7?api-version=v1"],
    ] as const;
    expect(found(202, {}, headers)).toEqual({
      kind: "operation",
      target: "/operations/7?api-version=v1",
      resultTarget: "/results/7",
    });
    expect(found(202, {}, [["location", "status/8"]])).toEqual({
      kind: "location",
      target: "/openai/v1/status/8",
    });
  });

  it.each([
    "https://other.test/operations/7",
    "http://one.test/operations/7",
    "https://one.test:8443/operations/7",
    "https://user:secret@one.test/operations/7",
    "//other.test/operations/7",
    "http://",
  ])("asks nobody else: %s", (address) => {
    expect(found(202, {}, [["operation-location", address]])).toBeUndefined();
    expect(ownTarget(address, called)).toBeUndefined();
  });

  it("takes a location for what it is where nothing was accepted", () => {
    expect(found(201, {}, [["location", "/things/1"]])).toBeUndefined();
    expect(found(200, {}, [["operation-location", "/operations/1"]])).toBeUndefined();
    expect(found(404, response, [])).toBeUndefined();
  });
});

describe("judgePoll", () => {
  it.each([
    ["completed", "succeeded"],
    ["incomplete", "succeeded"],
    ["partiallyCompleted", "succeeded"],
    ["ValidationFailed", "failed"],
    ["failed", "failed"],
    ["cancelled", "cancelled"],
    ["expired", "expired"],
  ])("a response that is %s ends its job as %s", (status, state) => {
    expect(judgePoll("response", { status: 200, fields: { status } })).toEqual({
      kind: "ended",
      state,
    });
  });

  it.each([
    ["Succeeded", "succeeded"],
    ["SUCCEEDED", "succeeded"],
    ["PartiallySucceeded", "succeeded"],
    ["Failed", "failed"],
    ["canceled", "cancelled"],
    ["Cancelled", "cancelled"],
  ])("an operation that is %s ends its job as %s", (status, state) => {
    expect(judgePoll("operation", { status: 200, fields: { status } })).toMatchObject({
      kind: "ended",
      state,
    });
  });

  it.each([
    ["response", 200, { status: "in_progress" }],
    ["response", 200, { status: "queued" }],
    ["response", 200, { status: "something new" }],
    ["operation", 200, { status: "Running" }],
    ["operation", 200, { status: "notStarted" }],
    ["operation", 202, {}],
    ["location", 202, { status: "succeeded" }],
    ["response", 503, { status: "completed" }],
    ["operation", 429, {}],
    ["location", 408, {}],
  ] as const)("%s %d %j is not over", (kind, status, fields) => {
    expect(judgePoll(kind, { status, fields })).toEqual({ kind: "pending" });
  });

  it.each([
    ["response", 404, {}],
    ["response", 200, {}],
    ["operation", 401, { status: "succeeded" }],
    ["location", 302, {}],
    ["location", 501, {}],
  ] as const)("%s %d %j is a refusal", (kind, status, fields) => {
    expect(judgePoll(kind, { status, fields })).toEqual({ kind: "refused" });
  });

  it("takes what a location gives in the end for the result, and finds where an operation has it", () => {
    expect(judgePoll("location", { status: 200, fields: {} })).toEqual({
      kind: "ended",
      state: "succeeded",
    });
    for (const name of [
      "resourceLocation",
      "resource_location",
      "resource location",
      "resultUrl",
    ]) {
      const fields = { status: "succeeded", [name]: "/results/1" };
      expect(judgePoll("operation", { status: 200, fields })).toMatchObject({
        resultUrl: "/results/1",
      });
    }
  });
});
