import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  fromRawHeaders,
  headerValue,
  withoutHeaders,
  withoutHopByHop,
} from "../../../shared/core/headers.ts";

describe("header lists", () => {
  it("finds the first value of a name in any case", () => {
    const headers = [
      ["X-One", "a"],
      ["x-one", "b"],
    ] as const;
    expect(headerValue(headers, "X-ONE")).toBe("a");
    expect(headerValue(headers, "x-two")).toBeUndefined();
  });

  it("pairs a raw list and gives every byte of a value back", () => {
    const raw = ["Set-Cookie", "a=1", Buffer.from("Set-Cookie"), Buffer.from([0x62, 0x3d, 0xe9])];
    expect(fromRawHeaders(raw)).toEqual([
      ["Set-Cookie", "a=1"],
      ["Set-Cookie", "b=\u00e9"],
    ]);
  });

  it("gives back every raw list as it was, in order and multiplicity", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), fc.string())), (pairs) => {
        expect(fromRawHeaders(pairs.flat())).toEqual(pairs);
      }),
    );
  });

  it("drops by lower-cased name only", () => {
    const kept = withoutHeaders(
      [
        ["X-A", "1"],
        ["x-b", "2"],
      ],
      (name) => name === "x-a",
    );
    expect(kept).toEqual([["x-b", "2"]]);
  });
});

describe("withoutHopByHop", () => {
  it("drops what speaks of one connection, in any case", () => {
    const names = [
      "Connection",
      "HTTP2-Settings",
      "Keep-Alive",
      "Proxy-Authenticate",
      "Proxy-Authorization",
      "Proxy-Connection",
      "TE",
      "Trailer",
      "Transfer-Encoding",
      "UPGRADE",
    ];
    expect(withoutHopByHop(names.map((name) => [name, "x"] as const))).toEqual([]);
  });

  it("drops what any Connection field names", () => {
    const headers = [
      ["X-Private", "1"],
      ["Connection", "close, X-Private"],
      ["connection", " x-other "],
      ["X-Other", "2"],
      ["X-Kept", "3"],
    ] as const;
    expect(withoutHopByHop(headers)).toEqual([["X-Kept", "3"]]);
  });

  it("keeps spelling, order and repetition of all others", () => {
    const name = fc.constantFrom("Set-Cookie", "VARY", "x-Multi", "Content-Encoding", "Date");
    fc.assert(
      fc.property(fc.array(fc.tuple(name, fc.string())), (headers) => {
        expect(withoutHopByHop([["TE", "trailers"], ...headers])).toEqual(headers);
      }),
    );
  });
});
