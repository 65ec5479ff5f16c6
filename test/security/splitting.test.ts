import { describe, expect, it } from "vitest";
import { handleRequest } from "../../shared/gateway/index.ts";
import { parseProfiles } from "../../shared/identity/index.ts";
import { parseBatchLine } from "../../shared/jobs/index.ts";
import { readSubmission } from "../../shared/messaging/index.ts";
import { createGateway, fakeEngine, requestTo } from "../support/gateway.ts";
import { settingsWith } from "../support/settings.ts";

// What ends a line, or a text, for somebody: alone, together, and as characters that lose bytes on the way.
const BREAKS = ["\r\n", "\n", "\r", "\0", "\u010a", "\u560a"];
const FORGED = "X-UserID: root";

const submitted = (change: object) => () =>
  readSubmission({ id: "job-1", user: "ann", path: "/chat", ...change });

describe("a second request cannot be hidden in", () => {
  it.each(BREAKS)("the method of a submission, by %j", (lineBreak) => {
    expect(submitted({ method: `GET${lineBreak}${FORGED}` })).toThrow("method");
  });

  it.each([...BREAKS, " HTTP/1.1", "\t"])("the path of a submission, by %j", (lineBreak) => {
    expect(submitted({ path: `/chat${lineBreak}${FORGED}` })).toThrow("path");
  });

  it.each([...BREAKS, ":", " "])("the name of a submission's header, by %j", (lineBreak) => {
    expect(submitted({ headers: { [`X-A${lineBreak}X-B`]: "1" } })).toThrow("header");
  });

  it.each(BREAKS)("the value of a submission's header, or its user, by %j", (lineBreak) => {
    const value = `1${lineBreak}${FORGED}`;
    expect(submitted({ headers: { "X-A": value } })).toThrow("X-A");
    expect(submitted({ headers: { "X-A": ["1", value] } })).toThrow("X-A");
    expect(submitted({ user: value })).toThrow("user");
  });

  it.each([...BREAKS, " HTTP/1.1", "#"])("the path of a batch's line, by %j", (lineBreak) => {
    const line = { custom_id: "a", method: "POST", url: `/chat${lineBreak}x`, body: {} };
    expect(parseBatchLine(JSON.stringify(line))).toBe("needs a url that is a path");
  });

  it.each(["\r\n", "\n", "\r", "\0"])("the header that a profile adds, by %j", (lineBreak) => {
    const fields = { idField: "userId", asyncField: "async-config" };
    for (const entry of [{ "X-A": `1${lineBreak}${FORGED}` }, { [`X-A${lineBreak}X-B`]: "1" }]) {
      const parsed = parseProfiles([{ userId: "ann", ...entry }], fields);
      expect(parsed.ok).toBe(false);
    }
  });

  it.each(["S7P\r\nX", "S7P:X", "S7P X", ""])("a header's name from the settings: %j", (name) => {
    expect(() => settingsWith({ GATEWAY_WEBHOOKS_HEADER: name || " " })).toThrow(
      "expected the name of a header",
    );
  });
});

describe("what a client sends", () => {
  const HEADERS = [
    ["Host", "evil.test"],
    ["X-Forwarded-Host", "evil.test"],
    ["X-Original-URL", "http://evil.test/"],
    ["X-UserID", "ann%0d%0aX-Forged: 1"],
    ["Idempotency-Key", "%0d%0aforged"],
  ] as const;

  it("is no part of where its job is said to be", async () => {
    const gateway = createGateway();
    const headers = [...HEADERS, ["S7PAsyncMode", "true"]] as const;
    const request = requestTo(gateway, { id: "job-1", headers, target: "//evil.test/x" });
    const answer = await handleRequest(gateway.services, request, fakeEngine());
    gateway.stop();
    expect([answer.status, Object.fromEntries(answer.headers)["location"]]).toEqual([
      202,
      "/jobs/job-1",
    ]);
  });

  it("is in a message's body only, never among what brokers and receivers go by", async () => {
    const gateway = createGateway({ GATEWAY_SYNC_MODE: "queued" });
    const request = requestTo(gateway, { headers: HEADERS, target: "/chat?forged=1" });
    const closed = new AbortController();
    const asked = { ...request, closed: closed.signal };
    const answering = handleRequest(gateway.services, asked, fakeEngine());
    await expect.poll(() => gateway.bus.sent.length).toBe(1);
    closed.abort(new Error("gone"));
    await answering;
    const job = requestTo(gateway, {
      id: "job-1",
      headers: [...HEADERS, ["S7PAsyncMode", "true"]],
    });
    await handleRequest(gateway.services, job, fakeEngine());
    await gateway.services.jobs?.detached.close();
    expect(gateway.bus.sent.length).toBeGreaterThan(1);
    gateway.stop();
    const outside = gateway.bus.sent.map(({ message: { body: _, ...rest } }) => rest);
    expect(JSON.stringify(outside)).not.toMatch(/forged|evil|ann/i);
  });
});
