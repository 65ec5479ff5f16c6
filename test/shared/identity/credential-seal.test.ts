import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  openCredentials,
  openRequest,
  sealCredentials,
  sealRequest,
} from "../../../shared/identity/index.ts";
import { anyCharacter } from "../../support/any-character.ts";

const KEY = Buffer.alloc(32, 1);
const CONTEXT = "request-1";
const HEADERS = [
  ["Content-Type", "application/json"],
  ["Authorization", "Bearer secret-7f3a"],
  ["API-Key", "secret-91bc"],
] as const;

const names = fc.constantFrom(
  "Authorization",
  "api-key",
  "X-Api-Key",
  "Cookie",
  "Ocp-Apim-Subscription-Key",
  "Proxy-Authorization",
  "Accept",
  "x-trace",
);
const someHeaders = fc.array(fc.tuple(names, fc.string({ unit: anyCharacter })));

/** The same bytes with one bit of the byte at `index` turned. */
function altered(sealed: string, index: number): string {
  const bytes = Buffer.from(sealed, "base64");
  bytes.writeUInt8(bytes.readUInt8(index % bytes.byteLength) ^ 1, index % bytes.byteLength);
  return bytes.toString("base64");
}

describe("sealed credentials", () => {
  it("come back as they were, whatever they hold", () => {
    fc.assert(
      fc.property(someHeaders, fc.string(), (headers, context) => {
        const opened = openCredentials(sealCredentials(headers, KEY, context), KEY, context);
        const byText = (list: readonly (readonly string[])[]) => list.map(String).toSorted();
        expect(byText(opened)).toEqual(byText(headers));
      }),
    );
  });

  it("are nowhere in clear in what is stored", () => {
    const stored = JSON.stringify(sealCredentials(HEADERS, KEY, CONTEXT));
    expect(stored).not.toMatch(/secret|authorization|api-key/i);
    expect(stored).toContain("application/json");
  });

  it("differ at every sealing, so that equal secrets do not show", () => {
    const { sealed } = sealCredentials(HEADERS, KEY, CONTEXT);
    expect(sealCredentials(HEADERS, KEY, CONTEXT).sealed).not.toBe(sealed);
  });

  it("do not open when any byte was altered", () => {
    const { open, sealed = "" } = sealCredentials(HEADERS, KEY, CONTEXT);
    fc.assert(
      fc.property(fc.nat(), (index) => {
        const headers = { open, sealed: altered(sealed, index) };
        expect(() => openCredentials(headers, KEY, CONTEXT)).toThrow();
      }),
    );
  });

  it("do not open when the end is missing", () => {
    const { open, sealed = "" } = sealCredentials(HEADERS, KEY, CONTEXT);
    const bytes = Buffer.from(sealed, "base64");
    fc.assert(
      fc.property(fc.nat(bytes.byteLength - 1), (length) => {
        const cut = bytes.subarray(0, length).toString("base64");
        expect(() => openCredentials({ open, sealed: cut }, KEY, CONTEXT)).toThrow();
      }),
    );
  });

  it("open with their own key and for their own request only", () => {
    const headers = sealCredentials(HEADERS, KEY, CONTEXT);
    expect(() => openCredentials(headers, Buffer.alloc(32, 2), CONTEXT)).toThrow();
    expect(() => openCredentials(headers, KEY, "request-2")).toThrow();
  });

  it("are left out where there is no key", () => {
    const headers = sealCredentials(HEADERS, undefined, CONTEXT);
    expect(headers).toEqual({ open: [["Content-Type", "application/json"]] });
    expect(openCredentials(headers, undefined, CONTEXT)).toEqual(headers.open);
  });

  it("are absent where nothing is secret", () => {
    expect(sealCredentials([["Accept", "*/*"]], KEY, CONTEXT)).toEqual({
      open: [["Accept", "*/*"]],
    });
  });
});

describe("a sealed request", () => {
  const QUERY = "/chat/x%2Fy?api-version=1&Api-Key=secret-1&a=%26&code=secret-2&sig&b";

  it.each([
    [QUERY, "/chat/x%2Fy?api-version=1&a=%26&b"],
    ["/x?subscription-key=secret", "/x"],
    ["/x?%61pi-key=secret&y", "/x?y"],
    ["/code/sig?", "/code/sig?"],
    ["/x?max_tokens=1&monkey=2&%zz=3", "/x?max_tokens=1&monkey=2&%zz=3"],
  ])("holds of %s openly %s alone, and gives all of it back", (target, open) => {
    const stored = sealRequest({ target, headers: HEADERS }, KEY, CONTEXT);
    expect(stored.target).toBe(open);
    expect(JSON.stringify(stored)).not.toContain("secret");
    const opened = openRequest(stored, KEY, CONTEXT);
    expect(opened.target).toBe(target);
    expect(opened.headers).toEqual(HEADERS);
  });

  it("goes without its credentials where there is no key", () => {
    const stored = sealRequest({ target: QUERY, headers: HEADERS }, undefined, CONTEXT);
    expect(stored).toEqual({
      target: "/chat/x%2Fy?api-version=1&a=%26&b",
      headers: [["Content-Type", "application/json"]],
    });
    expect(openRequest(stored, undefined, CONTEXT)).toEqual(stored);
  });
});
