import { describe, expect, it } from "vitest";
import {
  createIdentitySnapshot,
  parseAppIds,
  parseProfiles,
  parseSuspendedUsers,
} from "../../../shared/identity/index.ts";

describe("the list of suspended users", () => {
  it("is the original's list of objects, or a list of ids, and compares exactly", () => {
    const parsed = parseSuspendedUsers('[{"userId":"u1","reason":"abuse"},"u2"]');
    expect(parsed).toMatchObject({ ok: true, warnings: [], value: { size: 2 } });
    if (!parsed.ok) return;
    expect(["u1", "u2", "U1", "u3", ""].filter((id) => parsed.value.has(id))).toEqual(["u1", "u2"]);
  });

  it("knows an object id of a directory in either case, and all others as they are written", () => {
    const id = "0D6E4A7C-5B1f-4c1e-9A53-1c2d3e4f5a6b";
    const parsed = parseSuspendedUsers(JSON.stringify([id, "Ann"]));
    if (!parsed.ok) expect.fail("It was refused.");
    const asked = [id.toLowerCase(), id.toUpperCase(), "Ann", "ann"];
    expect(asked.map(parsed.value.has)).toEqual([true, true, true, false]);
  });

  it("may be empty", () => {
    expect(parseSuspendedUsers("[]")).toMatchObject({ ok: true, warnings: [] });
  });

  it("is refused as a whole when one entry has no id", () => {
    expect(parseSuspendedUsers('[{"userId":"u1"},{"name":"x"},7.5]')).toEqual({
      ok: false,
      problems: [
        'entry 1: field "userId" is missing, empty or no text',
        "entry 2 is missing, empty or no text",
      ],
    });
  });
});

describe("the list of application ids", () => {
  it("compares without regard to case, and shows what is repeated", () => {
    const parsed = parseAppIds('[{"authAppID":"1-2-A"},{"authAppID":"1-2-a"}]');
    expect(parsed).toMatchObject({ ok: true, warnings: ["entry 1 repeats an earlier entry"] });
    expect(parsed.ok && parsed.value.has("1-2-A")).toBe(true);
    expect(parsed.ok && parsed.value.has("1-2-a")).toBe(true);
    expect(parsed.ok && parsed.value.has("1-2")).toBe(false);
  });

  it("takes its field's name from the settings", () => {
    const parsed = parseAppIds('[{"appId":"x"}]', "appId");
    expect(parsed.ok && parsed.value.has("X")).toBe(true);
  });

  it("may be emptied, so that the last application can be revoked, and says that it is empty", () => {
    const parsed = parseAppIds("[]");
    expect(parsed).toMatchObject({ ok: true, warnings: ["the document allows no application"] });
  });
});

describe("the snapshot of who callers are", () => {
  it("knows nobody, suspends nobody and allows no application without documents", () => {
    const snapshot = createIdentitySnapshot({});
    expect(snapshot.findProfile("u")).toBeUndefined();
    expect(snapshot.isSuspended("u")).toBe(false);
    expect(snapshot.isAppIdAllowed("a")).toBe(false);
  });

  it("answers from the documents it was made of", () => {
    const profiles = parseProfiles('[{"userId":"u"}]');
    const suspendedUsers = parseSuspendedUsers('["u"]');
    const appIds = parseAppIds('["a"]');
    if (!profiles.ok || !suspendedUsers.ok || !appIds.ok) throw new Error("unreadable");
    const snapshot = createIdentitySnapshot({
      profiles: profiles.value,
      suspendedUsers: suspendedUsers.value,
      appIds: appIds.value,
    });
    expect(snapshot.findProfile("u")?.id).toBe("u");
    expect(snapshot.isSuspended("u")).toBe(true);
    expect(snapshot.isAppIdAllowed("A")).toBe(true);
  });
});
