import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  createRequestHeaderFilter,
  responseHeaders,
} from "../../../shared/gateway/forwarded-headers.ts";
import { settingsWith } from "../../support/settings.ts";

const filter = createRequestHeaderFilter(settingsWith({ TTLHeader: "X-My-TTL" }));

describe("what goes on to a backend", () => {
  it.each([
    "S7PPriorityKey",
    "s7pdebug",
    "X-My-TTL",
    "x-my-ttl",
    "S7PTimeout",
    "S7PAsyncMode",
    "X-MS-CLIENT-PRINCIPAL-ID",
    "x-functions-key",
    "Host",
    "Content-Length",
    "Expect",
    "Connection",
    "Transfer-Encoding",
  ])("does not hold %s", (name) => {
    expect(filter([[name, "1"]])).toEqual([]);
  });

  it("holds all else in order, spelling and repetition", () => {
    const name = fc.constantFrom(
      "Authorization",
      "api-key",
      "Content-Encoding",
      "X-A",
      "x-a",
      "Accept",
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(name, fc.string())), (headers) => {
        expect(filter(headers)).toEqual(headers);
      }),
    );
  });
});

describe("what goes on to the client", () => {
  it("holds all but what speaks of the connection to the backend", () => {
    const headers = [
      ["Date", "today"],
      ["Transfer-Encoding", "chunked"],
      ["Content-Length", "1"],
      ["Set-Cookie", "a"],
      ["Set-Cookie", "b"],
    ] as const;
    expect(responseHeaders(headers, [])).toEqual(
      headers.filter(([name]) => !name.startsWith("Transfer")),
    );
  });
});
