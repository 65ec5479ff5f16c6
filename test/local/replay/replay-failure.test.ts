import { APIConnectionError, APIConnectionTimeoutError, APIError } from "openai";
import { describe, expect, it } from "vitest";
import { describeFailure, ReplayFailure } from "../../../local/replay/replay-failure.ts";

const headers = new Headers();

describe("the kind of a failure", () => {
  it("is status and code of a problem+json answer, told by its detail", () => {
    const problem = { error: { code: "queue-full", status: 429, detail: "The queue is full." } };
    expect(describeFailure(APIError.generate(429, problem, undefined, headers))).toEqual({
      kind: "429 queue-full",
      message: "The queue is full.",
    });
  });

  it("is status and type of a provider's error without a code", () => {
    const body = { error: { message: "Slow down.", type: "rate_limit", code: null } };
    expect(describeFailure(APIError.generate(429, body, undefined, headers))).toEqual({
      kind: "429 rate_limit",
      message: "Slow down.",
    });
  });

  it("is the status alone when the body says nothing", () => {
    const error = APIError.generate(502, undefined, "<html>Bad gateway</html>", headers);
    expect(describeFailure(error)).toEqual({
      kind: "502",
      message: "502 <html>Bad gateway</html>",
    });
  });

  it("is a stream error for an error in the middle of a stream", () => {
    const error = new APIError(
      undefined,
      { code: "backend-failed", message: "Gone." },
      undefined,
      headers,
    );
    expect(describeFailure(error)).toEqual({
      kind: "stream error backend-failed",
      message: "Gone.",
    });
  });

  it("is the system's code for a connection, below whatever wraps it", () => {
    const reset = Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
    const wrapped = new TypeError("terminated", { cause: reset });
    expect(describeFailure(new APIConnectionError({ cause: wrapped }))).toEqual({
      kind: "connection ECONNRESET",
      message: "socket hang up",
    });
    expect(describeFailure(reset).kind).toBe("connection ECONNRESET");
  });

  it("is a timeout, what the replay itself found, or at least a name", () => {
    expect(describeFailure(new APIConnectionTimeoutError()).kind).toBe("timeout");
    expect(describeFailure(new ReplayFailure("no job", "text"))).toEqual({
      kind: "no job",
      message: "text",
    });
    expect(describeFailure(new RangeError("odd"))).toEqual({ kind: "RangeError", message: "odd" });
    expect(describeFailure("odd")).toEqual({ kind: "error", message: "odd" });
  });

  it("ends although causes go in a circle", () => {
    const circle = new Error("round");
    circle.cause = circle;
    expect(describeFailure(circle)).toEqual({ kind: "Error", message: "round" });
  });

  it("is told in one line of bounded length", () => {
    const { message } = describeFailure(new ReplayFailure("k", `a\n  b ${"x".repeat(1000)}`));
    expect(message).toMatch(/^a b x+\.\.\.$/);
    expect(message.length).toBe(303);
  });
});
