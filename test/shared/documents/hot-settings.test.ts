import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadSettings } from "../../../shared/config/index.ts";
import { parseHotSettings, WARM_SETTINGS } from "../../../shared/documents/index.ts";

const BASE = {
  Host1: "http://one.test",
  Host2: "http://two.test",
  PriorityKeys: "hi,lo",
  PriorityValues: "1,3",
  Workers: "7",
};

const read = (content: unknown, base: Record<string, string> = BASE) =>
  parseHotSettings(Array.isArray(content) ? content : JSON.stringify(content), {
    base,
    parse: loadSettings,
  });

/** The environment that the settings are read from. */
const environmentOf = (content: unknown, base: Record<string, string> = BASE) =>
  parseHotSettings(Array.isArray(content) ? content : JSON.stringify(content), {
    base,
    parse: (environment) => environment,
    alsoWarm: ["GATEWAY_LIMIT"],
  });

function settingsOf(content: unknown) {
  const parsed = read(content);
  if (!parsed.ok) throw new Error(parsed.problems.join("\n"));
  return parsed.value;
}

describe("hot settings", () => {
  it("V86: change the priority map and the default as a whole", () => {
    const settings = settingsOf({
      PriorityKeys: ["gold", "silver", "bronze"],
      PriorityValues: [1, 2, 3],
      DefaultPriority: 3,
    });
    expect([...settings.priority.classByKey]).toEqual([
      ["gold", 1],
      ["silver", 2],
      ["bronze", 3],
    ]);
    expect(settings.priority.defaultClass).toBe(3);
    expect(settings.workers).toBe(7);
  });

  it("V93: are refused as a whole when any of them is wrong, with every problem named", () => {
    expect(read({ PriorityKeys: "a,b,c", DefaultTTLSecs: 60 })).toEqual({
      ok: false,
      problems: ["PriorityKeys and PriorityValues must have the same number of entries"],
    });
    const wrong = read({ DefaultTTLSecs: "soon", Timeout: "-1", PriorityValues: "x,1" });
    const named = wrong.ok ? [] : wrong.problems.map((problem) => problem.split(":")[0]);
    expect(named.sort()).toEqual(["DefaultTTLSecs", "PriorityValues", "Timeout"]);
  });

  it("take App Configuration's keys, in any case", () => {
    const settings = settingsOf([
      { key: "Warm:Request:Priority:DefaultPriority", value: "1" },
      { key: "warm:request:defaultttlsecs", value: "60*2" },
      { key: "Warm:Timeout", value: "5000" },
      { key: "Warm:Sentinel", value: "17" },
    ]);
    expect(settings.priority.defaultClass).toBe(1);
    expect(settings.defaultTtlMs).toBe(120_000);
    expect(settings.attemptTimeoutMs).toBe(5000);
  });

  it("are what they were when a key is gone, empty, null or a hyphen", () => {
    const without = environmentOf({});
    for (const content of [
      { PriorityKeys: "" },
      { PriorityKeys: null },
      [{ key: "Warm:Request:Priority:PriorityKeys", value: " - " }],
    ]) {
      expect(environmentOf(content)).toEqual(without);
    }
    expect(without).toMatchObject({ ok: true, value: BASE, warnings: [] });
  });

  it("ignore what may not change at run time and what nobody knows, with a warning", () => {
    expect(
      environmentOf([
        { key: "Cold:Server:Workers", value: "99" },
        { key: "Workers", value: "99" },
        { key: "Cold:Request:DefaultTTLSecs", value: "1" },
        { key: "Warm:No:Such", value: "x" },
        { key: "GATEWAY_CREDENTIAL_KEY", value: "x" },
        { key: "__proto__", value: "x" },
      ]),
    ).toEqual({
      ok: true,
      value: BASE,
      warnings: [
        '"Cold:Server:Workers" is not a setting that changes at run time; it is ignored',
        '"Workers" is not a setting that changes at run time; it is ignored',
        '"Cold:Request:DefaultTTLSecs" is not a setting that changes at run time; it is ignored',
        '"Warm:No:Such" is not a setting that changes at run time; it is ignored',
        '"GATEWAY_CREDENTIAL_KEY" is not a setting that changes at run time; it is ignored',
        '"__proto__" is not a setting that changes at run time; it is ignored',
      ],
    });
  });

  it("take further names that the gateway declares", () => {
    expect(environmentOf({ gateway_limit: 5 })).toMatchObject({
      value: { ...BASE, GATEWAY_LIMIT: "5" },
      warnings: [],
    });
  });

  it("say so when two keys mean one setting", () => {
    expect(
      environmentOf([
        { key: "Warm:Request:DefaultTimeout", value: "1" },
        { key: "Timeout", value: "2" },
      ]),
    ).toMatchObject({
      value: { Timeout: "2" },
      warnings: ['"Timeout" sets Timeout again; the last one counts'],
    });
  });

  it("replace the environment's hosts as one setting, so that one can be taken away", () => {
    expect(environmentOf({ "Warm:host1": "http://three.test", IP1: "10.0.0.1" })).toMatchObject({
      ok: true,
      value: {
        Host1: "http://three.test",
        IP1: "10.0.0.1",
        PriorityKeys: "hi,lo",
        PriorityValues: "1,3",
        Workers: "7",
      },
    });
    expect(settingsOf({ Host1: "http://three.test" }).hosts.map(({ origin }) => origin)).toEqual([
      "http://three.test",
    ]);
  });

  it("write lists, numbers, booleans and pairs as an environment variable has them", () => {
    expect(
      environmentOf({
        RequiredHeaders: ["X-A", "X-B"],
        UseProfiles: true,
        DefaultTTLSecs: 60,
        ValidateHeaders: { "X-Model": "Models", "X-Tier": "Tiers" },
      }),
    ).toMatchObject({
      value: {
        RequiredHeaders: "X-A,X-B",
        UseProfiles: "true",
        DefaultTTLSecs: "60",
        ValidateHeaders: "X-Model=Models,X-Tier=Tiers",
      },
    });
  });

  it("refuse what no setting can hold, and what is no document", () => {
    expect(
      environmentOf({ RequiredHeaders: ["a,b"], ValidateHeaders: { a: 1 }, Timeout: [[1]] }),
    ).toEqual({
      ok: false,
      problems: [
        '"RequiredHeaders" has a value that no setting can have',
        '"ValidateHeaders" has a value that no setting can have',
        '"Timeout" has a value that no setting can have',
      ],
    });
    for (const text of ["[1", "7", "null"]) {
      const parsed = parseHotSettings(text, { base: BASE, parse: (environment) => environment });
      expect(parsed).toEqual({ ok: false, problems: ["the document is not a JSON object"] });
    }
  });

  it("leave alone, as a property, whatever is not declared to be hot", () => {
    const hot = new Set(WARM_SETTINGS);
    const known = ["Workers", "Warm:Workers", "Cold:Server:Workers", "MaxQueueLength", "Port"];
    const key = fc.oneof(fc.string(), fc.constantFrom(...known, ...WARM_SETTINGS));
    fc.assert(
      fc.property(fc.dictionary(key, fc.string()), (document) => {
        const parsed = environmentOf(document);
        if (!parsed.ok) throw new Error("refused");
        const names = Object.keys(parsed.value).filter(
          (name) => !hot.has(name) && !/^(Host|IP|Probe_path)\d+$/.test(name),
        );
        expect(names).toEqual(["Workers"]);
        expect(parsed.value["Workers"]).toBe("7");
      }),
    );
  });
});
