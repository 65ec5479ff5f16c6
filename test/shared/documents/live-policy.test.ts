import { describe, expect, it } from "vitest";
import { admit, compileValidationRules, validate } from "../../../shared/admission/index.ts";
import { loadSettings, type Settings } from "../../../shared/config/index.ts";
import type { HeaderList } from "../../../shared/core/headers.ts";
import {
  type DocumentSource,
  documentReader,
  fileSource,
  LiveDocument,
  LiveSnapshot,
  type ParseDocument,
  parseHotSettings,
} from "../../../shared/documents/index.ts";
import {
  createIdentitySnapshot,
  type IdList,
  identifyCaller,
  type ProfileDirectory,
  parseAppIds,
  parseProfilesInSteps,
  parseSuspendedUsers,
} from "../../../shared/identity/index.ts";
import type { TelemetryEvent } from "../../../shared/telemetry/index.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const INTERVAL_MS = 2_000;

interface Parts {
  settings: Settings;
  profiles: ProfileDirectory;
  suspendedUsers: IdList;
  appIds: IdList;
}

/** A gateway's whole policy, from files that the test writes, with an interval of two seconds. */
async function startPolicy() {
  const clock = new FakeClock();
  const events: TelemetryEvent[] = [];
  const files: Record<string, string> = {
    settings: "{}",
    profiles: '[{"userId":"u1"}]',
    suspended: "[]",
    apps: '[{"authAppID":"app"}]',
  };
  const source = (path: string): DocumentSource<string> =>
    fileSource({
      path,
      readFile: async (name) => {
        const text = files[name];
        if (text === undefined) throw new Error("gone");
        return Buffer.from(text);
      },
    });
  const live = <Value>(name: string, parse: ParseDocument<string, Value>) =>
    new LiveDocument<Value>({
      name,
      reader: documentReader(source(name), parse),
      presence: { required: true },
      clock,
      random: Math.random,
      emit: (event) => events.push(event),
      signal: new AbortController().signal,
      intervalMs: INTERVAL_MS,
    });
  const base = { Host1: "http://a.test", PriorityKeys: "hi,lo", PriorityValues: "1,3" };
  const policy = new LiveSnapshot({
    documents: {
      settings: live("settings", (text) => parseHotSettings(text, { base, parse: loadSettings })),
      profiles: live("profiles", (text) => parseProfilesInSteps(text)),
      suspendedUsers: live("suspended", (text) => parseSuspendedUsers(text)),
      appIds: live("apps", (text) => parseAppIds(text)),
    },
    compose: ({ settings, ...documents }: Parts) => ({
      settings,
      identity: createIdentitySnapshot(documents),
      rules: compileValidationRules({
        validateAppId: true,
        appIdHeader: "X-App",
        useProfiles: true,
        profileHeader: "X-UserProfile",
        profileRequired: false,
        disallowedHeaders: [],
        requiredHeaders: [],
        allowRules: [],
        identify: (headers) => identifyCaller(headers, settings.userHeaders),
      }),
    }),
    emit: (event) => events.push(event),
  });
  await policy.start();
  /** The class with which a request enters, or the code with which it does not. */
  const ask = (...more: HeaderList): number | string => {
    const { settings, identity, rules } = policy.current();
    const headers: HeaderList = [["X-App", "app"], ["X-UserProfile", "u1"], ...more];
    const validation = validate({ headers, target: "/x" }, identity, rules);
    if (!validation.ok) return validation.code;
    const admission = admit(validation.headers, 0, settings);
    return admission.admitted ? admission.ticket.priority : admission.code;
  };
  const status = (name: string) =>
    policy.status().documents.find((document) => document.name === name);
  return { clock, events, files, policy, ask, status };
}

describe("a policy that changes while the gateway runs", () => {
  it("V11: suspends a user within the refresh interval, and takes the user back", async () => {
    const { clock, files, ask } = await startPolicy();
    expect(ask()).toBe(2);
    files["suspended"] = '[{"userId":"u1"}]';
    await clock.advance(INTERVAL_MS);
    expect(ask()).toBe("user-suspended");
    files["suspended"] = "[]";
    await clock.advance(INTERVAL_MS);
    expect(ask()).toBe(2);
  });

  it("V95: revokes an application, be it the last one, and a profile within the interval", async () => {
    const { clock, files, ask } = await startPolicy();
    files["apps"] = "[]";
    await clock.advance(INTERVAL_MS);
    expect(ask()).toBe("app-id-not-allowed");
    files["apps"] = '["app"]';
    files["profiles"] = '[{"userId":"u2"}]';
    await clock.advance(INTERVAL_MS);
    expect(ask()).toBe("profile-not-found");
  });

  it("V96: goes on with the last good profiles while their source is down, and shows their age", async () => {
    const { clock, events, files, ask, status } = await startPolicy();
    delete files["profiles"];
    await clock.advance(60_000);
    expect(ask()).toBe(2);
    expect(status("profiles")).toMatchObject({ ageMs: 60_000, isStale: true });
    const failures = events.filter(({ event }) => event === "document.load.failed");
    expect(failures.at(-1)).toMatchObject({ document: "profiles" });
    expect(Number(failures.at(-1)?.["ageMs"])).toBeGreaterThan(55_000);
    files["profiles"] = '[{"userId":"u1","S7PPriorityKey":"hi"}]';
    await clock.advance(INTERVAL_MS);
    expect(ask()).toBe(1);
  });

  it("V86: uses a new priority map as a whole, while who holds the old snapshot keeps it", async () => {
    const { clock, files, policy, ask } = await startPolicy();
    const before = policy.current();
    expect(ask(["S7PPriorityKey", "hi"])).toBe(1);
    files["settings"] = JSON.stringify({
      "Warm:Request:Priority:PriorityKeys": "gold",
      "Warm:Request:Priority:PriorityValues": "1",
      "Warm:Request:Priority:DefaultPriority": "3",
    });
    await clock.advance(INTERVAL_MS);
    expect([ask(["S7PPriorityKey", "hi"]), ask(["S7PPriorityKey", "gold"])]).toEqual([3, 1]);
    expect(before.settings.priority.defaultClass).toBe(2);
    files["settings"] = "{}";
    await clock.advance(INTERVAL_MS);
    expect(ask(["S7PPriorityKey", "hi"])).toBe(1);
  });

  it("V93: keeps the old map as a whole when the new one is wrong, and says what is wrong", async () => {
    const { clock, files, ask, status } = await startPolicy();
    files["settings"] = '{"DefaultPriority":1,"PriorityKeys":"a,b,c"}';
    await clock.advance(INTERVAL_MS);
    expect(ask()).toBe(2);
    expect(status("settings")).toMatchObject({
      problems: ["PriorityKeys and PriorityValues must have the same number of entries"],
      isStale: true,
    });
  });
});
