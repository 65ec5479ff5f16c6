import { describe, expect, it } from "vitest";
import { admit, asJobTicket, type Ticket } from "../../../shared/admission/index.ts";
import type { HeaderList } from "../../../shared/core/headers.ts";
import { settingsWith } from "../../support/settings.ts";

const NOW = Date.UTC(2026, 0, 1);
const settings = settingsWith({ PriorityKeys: "Gold,234", PriorityValues: "1,3" });

function ticketFor(headers: HeaderList, withSettings = settings): Ticket {
  const admission = admit(headers, NOW, withSettings);
  if (!admission.admitted) throw new Error(`refused: ${admission.code}`);
  return admission.ticket;
}

function refusalOf(headers: HeaderList): string {
  const admission = admit(headers, NOW, settings);
  return admission.admitted ? "admitted" : admission.code;
}

describe("admit", () => {
  it("gives a request that asks for nothing the defaults", () => {
    expect(ticketFor([])).toEqual({
      priority: 2,
      expiresAt: NOW + 300_000,
      attemptTimeoutMs: 1_200_000,
      promotion: { isAsked: false, at: NOW + 220_000, expiresAt: NOW + 86_400_000 },
    });
  });

  it("gives a job the limits of jobs", () => {
    const headers = [["S7PAsyncMode", "true"]] as const;
    expect(asJobTicket(ticketFor(headers), headers, settings)).toEqual({
      priority: 2,
      expiresAt: NOW + 86_400_000,
      attemptTimeoutMs: 1_800_000,
      promotion: { isAsked: true, at: NOW, expiresAt: NOW + 86_400_000 },
    });
  });

  it("gives a job the limits that its request states", () => {
    const headers = [
      ["S7PAsyncMode", "true"],
      ["S7PTTL", "60"],
      ["S7PTimeout", "5000"],
    ] as const;
    const ticket = asJobTicket(ticketFor(headers), headers, settings);
    expect(ticket).toMatchObject({ expiresAt: NOW + 60_000, attemptTimeoutMs: 5000 });
    expect(ticket.promotion?.expiresAt).toBe(NOW + 60_000);
  });

  it.each<[string, HeaderList, number | undefined]>([
    ["at once by preference", [["Prefer", "respond-async"]], 0],
    ["as late as it prefers", [["Prefer", "respond-async, wait=7"]], 7000],
    ["at the wall at the latest", [["Prefer", "wait=900, respond-async"]], 220_000],
    ["at the trigger", [["S7PAsyncMode", "true"]], 10_000],
    [
      "at the time it prefers to the trigger",
      [
        ["S7PAsyncMode", "true"],
        ["Prefer", "wait=3"],
      ],
      3000,
    ],
    ["before the platform's wall though it did not ask", [], 220_000],
    ["never when it refuses", [["S7PAsyncMode", "false"]], undefined],
    ["never when it expires before the wall", [["S7PTTL", "220"]], undefined],
  ])("makes a job of a request %s", (_, headers, afterMs) => {
    const withTrigger = settingsWith({ AsyncTriggerTimeout: "10000" });
    const at = ticketFor(headers, withTrigger).promotion?.at;
    expect(at === undefined ? undefined : at - NOW).toBe(afterMs);
  });

  it("knows no wall where none is set", () => {
    const without = settingsWith({ GATEWAY_JOBS_WALL_SECONDS: "0" });
    expect(ticketFor([], without).promotion).toBeUndefined();
    expect(ticketFor([["Prefer", "respond-async"]], without).promotion?.at).toBe(NOW);
  });

  it.each([
    ["Gold", 1],
    ["  gOLD ", 1],
    ["234", 3],
    ["silver", 2],
    ["", 2],
  ])("reads the priority key %j as class %d", (key, priority) => {
    expect(ticketFor([["s7pprioritykey", key]]).priority).toBe(priority);
  });

  it("counts a time to live from arrival", () => {
    expect(ticketFor([["S7PTTL", "1.5"]]).expiresAt).toBe(NOW + 1500);
  });

  it.each([
    ["invalid-ttl", "S7PTTL", "soon"],
    ["ttl-expired", "S7PTTL", "0"],
    ["ttl-expired", "S7PTTL", "-5"],
    ["ttl-expired", "S7PTTL", "+5"],
    ["invalid-timeout", "S7PTimeout", "0"],
    ["invalid-timeout", "S7PTimeout", "-1"],
    ["invalid-timeout", "S7PTimeout", "1.5"],
    ["invalid-timeout", "S7PTimeout", "0x10"],
    ["invalid-timeout", "S7PTimeout", ""],
    ["invalid-timeout", "S7PTimeout", "soon"],
    ["invalid-timeout", "S7PTimeout", "86400001"],
  ])("refuses as %s a request whose %s is %j", (code, header, value) => {
    expect(refusalOf([[header, value]])).toBe(code);
  });

  it("names the header that is wrong, as the settings name it", () => {
    const own = settingsWith({ TTLHeader: "X-Expires" });
    expect(admit([["x-expires", "never"]], NOW, own)).toMatchObject({
      code: "invalid-ttl",
      detail: expect.stringContaining("X-Expires"),
    });
  });

  it("takes the time limit of an attempt from the request, for jobs too", () => {
    expect(ticketFor([["S7PTimeout", "1500"]]).attemptTimeoutMs).toBe(1500);
    expect(
      ticketFor([
        ["S7PTimeout", "86400000"],
        ["Prefer", "respond-async"],
      ]).attemptTimeoutMs,
    ).toBe(86_400_000);
  });
});
