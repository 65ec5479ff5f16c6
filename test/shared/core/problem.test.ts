import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ERRORS,
  type ErrorCode,
  type ErrorKind,
  GatewayError,
  toGatewayError,
} from "../../../shared/core/errors.ts";
import { headerValue } from "../../../shared/core/headers.ts";
import { problemResponse } from "../../../shared/core/problem.ts";
import { textOf } from "../../support/streams.ts";

const codes = Object.keys(ERRORS) as ErrorCode[];
const kindOf = (code: ErrorCode): ErrorKind => ERRORS[code];

async function problemOf(error: GatewayError): Promise<Record<string, unknown>> {
  return JSON.parse(await textOf(problemResponse(error, "request-1").body));
}

describe("problemResponse", () => {
  it.each(codes)("gives %s its status, its code and the request's id", async (code) => {
    const response = problemResponse(new GatewayError(code, "a detail"), "request-1");
    expect(response.status).toBe(kindOf(code).status);
    expect(headerValue(response.headers, "content-type")).toBe("application/problem+json");
    expect(JSON.parse(await textOf(response.body))).toMatchObject({
      type: `urn:simplel7proxy:error:${code}`,
      status: kindOf(code).status,
      code,
      requestId: "request-1",
    });
  });

  it.each(codes.filter((code) => !kindOf(code).expose))(
    "keeps the detail of %s to itself",
    async (code) => {
      const error = new GatewayError(code, "secret-7f3a", { cause: new Error("secret-7f3a") });
      expect(JSON.stringify(await problemOf(error))).not.toContain("secret-7f3a");
    },
  );

  it("shows the detail where the catalogue allows it, and never the cause", async () => {
    const error = new GatewayError("no-route", "a detail", { cause: new Error("secret-7f3a") });
    const problem = await problemOf(error);
    expect(problem["detail"]).toBe("a detail");
    expect(JSON.stringify(problem)).not.toContain("secret-7f3a");
  });

  it.each([
    ["no-route", "a detail"],
    ["internal", "The gateway failed."],
  ] as const)("says %s to clients of model APIs as they read it", async (code, message) => {
    const response = problemResponse(new GatewayError(code, "a detail"), "request-1");
    expect(headerValue(response.headers, "x-request-id")).toBe("request-1");
    const { error } = JSON.parse(await textOf(response.body));
    expect(error).toEqual({ type: "gateway_error", code, message, param: null });
  });

  it("states the length of its body in bytes", async () => {
    const response = problemResponse(new GatewayError("bad-request", "zu groß"), "r");
    expect(headerValue(response.headers, "content-length")).toBe(
      String(Buffer.byteLength(await textOf(response.body))),
    );
  });

  it("asks to wait in whole seconds, at least one and never less than was meant", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 86_400_000 }), (retryAfterMs) => {
        const error = new GatewayError("queue-full", "full", { retryAfterMs });
        const text = headerValue(problemResponse(error, "r").headers, "retry-after") ?? "";
        expect(text).toMatch(/^[1-9]\d*$/);
        expect(Number(text) * 1000).toBeGreaterThanOrEqual(retryAfterMs);
        expect(Number(text) * 1000).toBeLessThan(retryAfterMs + 1001);
      }),
    );
  });

  it("says nothing of waiting when nothing is known", () => {
    const { headers } = problemResponse(new GatewayError("queue-full", "full"), "r");
    expect(headerValue(headers, "retry-after")).toBeUndefined();
  });
});

describe("toGatewayError", () => {
  it("passes on what carries an answer already", () => {
    const error = new GatewayError("no-route", "none");
    expect(toGatewayError(error)).toBe(error);
  });

  it.each([new Error("boom"), "boom", undefined, null])("hides %s behind `internal`", (thrown) => {
    const error = toGatewayError(thrown);
    expect(error.code).toBe("internal");
    expect(error.message).not.toContain("boom");
    expect(error.cause).toBe(thrown);
  });
});
