import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadSettings, SettingsError } from "../../../shared/config/index.ts";
import { settingsWith } from "../../support/settings.ts";

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    loadSettings(env);
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
  return [];
}

describe("loadSettings", () => {
  it("takes words in any case, as the original does, and its levels of the log for ours", () => {
    const Host1 = "host=https://x;mode=Direct";
    const written = { Host1, LoadBalanceMode: " RoundRobin ", IterationMode: "multipass" };
    expect(settingsWith(written)).toMatchObject({
      loadBalanceMode: "roundrobin",
      routing: { passes: "multi" },
      hosts: [{ mode: "direct" }],
    });
    const levels = ["debug", "Trace", "INFORMATION", "warning", "Error", "Critical"];
    expect(levels.map((LOG_LEVEL) => settingsWith({ LOG_LEVEL }).logLevel)).toEqual([
      ...["Information", "Information", "Information", "Warning", "Error", "Error"],
    ]);
  });

  it("says which price is wrong, and which never counts", () => {
    const price = (change: object) => ({ model: "gpt-5*", input: 1, ...change });
    const problems = (...prices: object[]) =>
      problemsOf({ Host1: "http://a.test", GATEWAY_USAGE_PRICES: JSON.stringify(prices) });
    expect(problems(price({ serviceTier: "flex", backend: "Host1" }), price({}))).toEqual([]);
    expect(problems(price({ from: "2027-01-01" }), price({ serviceTier: "flex" }))).toEqual([]);
    for (const [change, said] of [
      [{ serviceTier: "Flex" }, "[1.serviceTier]: expected the name of a tier"],
      [{ serviceTier: "standard" }, "[1.serviceTier]: the ledger calls this tier default"],
      [{ backend: "" }, "[1.backend]: "],
      [{ model: "GPT-5*", serviceTier: "flex" }, "[1]: never counts, because [0] stands before"],
      [{ backend: "Host1", from: "2027-01-01" }, "[1]: never counts, because [0] stands before"],
    ] as const) {
      expect(problems(price({}), price(change))).toEqual([expect.stringContaining(said)]);
    }
  });

  it("has the original's defaults", () => {
    expect(settingsWith()).toMatchObject({
      role: "all",
      workers: 10,
      maxQueueLength: 1000,
      priority: { defaultClass: 2, header: "S7PPriorityKey" },
      defaultTtlMs: 300_000,
      ttlHeader: "S7PTTL",
      attemptTimeoutMs: 1_200_000,
      timeoutHeader: "S7PTimeout",
      asyncHeader: "S7PAsyncMode",
      asyncTtlMs: 86_400_000,
      asyncTimeoutMs: 1_800_000,
      loadBalanceMode: "latency",
      maxAttempts: 10,
    });
    expect([...settingsWith().priority.classByKey]).toEqual([
      ["12345", 1],
      ["234", 3],
    ]);
  });

  it("names all problems at once, of single settings, of several together and of hosts", () => {
    const problems = problemsOf({
      Workers: "many",
      LoadBalanceMode: "fastest",
      GATEWAY_CREDENTIAL_KEY: "c2hvcnQ=",
      PriorityKeys: "a,b,c",
      PriorityValues: "1,2",
      PriorityWorkers: "0:5,1:8",
      Host1: "host=ftp://x;colour=red",
      Host2: "host=https://x;mode=fast",
    });
    const text = problems.join("\n");
    for (const named of [
      'Workers: expected a whole number from 1 to 100000, got "many"',
      "LoadBalanceMode",
      "GATEWAY_CREDENTIAL_KEY: expected 32 bytes in base64",
      "PriorityKeys and PriorityValues",
      'PriorityWorkers: "0:5": class 0 is for probes',
      "Host1: unknown keys colour",
      'Host1: "ftp://x" is not an http(s) URL',
      "Host2: mode",
    ]) {
      expect(text).toContain(named);
    }
    expect(problems).toHaveLength(8);
  });

  it("refuses to reserve every slot", () => {
    const Host1 = "https://x";
    expect(problemsOf({ Host1, Workers: "5", PriorityWorkers: "1:2,2:3" })).toEqual([
      "PriorityWorkers: 5 reserved slots must be fewer than the 5 of Workers",
    ]);
  });

  it("says in its message how many problems there are, and which", () => {
    expect(() => loadSettings({ Workers: "0" })).toThrow(/2 problem\(s\):\n- Workers.*\n- Host1/);
  });

  it("names a missing backend beside everything else", () => {
    expect(problemsOf({ Workers: "x" })).toContain(
      "Host1: no backend is set; their numbers begin with 1 and have no gap",
    );
  });

  it("names headers that no request can have", () => {
    const problems = problemsOf({ Host1: "https://a.test", RequiredHeaders: "X Model,X-Team" });
    expect(problems).toEqual(['RequiredHeaders: expected names of headers, got "X Model"']);
  });

  it("counts an empty value as absent", () => {
    const env = { Workers: "", GATEWAY_SYNC_MODE: "", PriorityKeys: "", Host2: "" };
    expect(settingsWith(env)).toEqual(settingsWith());
  });

  it("reads whole numbers as products, as the original does", () => {
    const factor = fc.integer({ min: 1, max: 300 });
    fc.assert(
      fc.property(fc.array(factor, { minLength: 1, maxLength: 3 }), (factors) => {
        const product = factors.reduce((a, b) => a * b, 1);
        expect(settingsWith({ Timeout: factors.join(" * ") }).attemptTimeoutMs).toBe(product);
      }),
    );
    expect(settingsWith({ DefaultTTLSecs: "60*10" }).defaultTtlMs).toBe(600_000);
  });

  it.each(["1.5", "1e3", "60*", "*", "0", "-1", "99999999999999999999", "0x10", "60*x"])(
    "refuses %j where a whole number is due",
    (text) => {
      expect(problemsOf({ Host1: "http://b.test", Workers: text })).toHaveLength(1);
    },
  );

  it.each(["yes", "1", "no"])("refuses %j where true or false is due", (text) => {
    expect(problemsOf({ Host1: "http://b.test", IgnoreSSLCert: text })).toHaveLength(1);
  });

  it.each(["TRUE", " true ", "True"])("reads %j as true", (text) => {
    expect(settingsWith({ IgnoreSSLCert: text }).ignoreTlsErrors).toBe(true);
  });

  it.each(["a b", "a:b", "é"])("refuses %j as the name of a header", (text) => {
    expect(problemsOf({ Host1: "http://b.test", TTLHeader: text })).toHaveLength(1);
  });

  it("reads lists with blanks, and in the brackets and quotes of JSON", () => {
    expect(settingsWith({ UniqueUserHeaders: " a , ,b," }).userHeaders).toEqual(["a", "b"]);
    expect(settingsWith({ UniqueUserHeaders: '["a", "b"]' }).userHeaders).toEqual(["a", "b"]);
  });

  it("maps priority keys in any case to the classes of the same place", () => {
    const { priority } = settingsWith({ PriorityKeys: "Gold,silver", PriorityValues: "1,4" });
    expect(priority.classByKey.get("gold")).toBe(1);
    expect(priority.classByKey.get("silver")).toBe(4);
  });

  it("takes class 0 of the original's templates for the most urgent class", () => {
    const { priority } = settingsWith({ PriorityKeys: "top,low", PriorityValues: "0,3" });
    expect([...priority.classByKey.values()]).toEqual([1, 3]);
  });

  it.each(["-1,2", "1,x"])("refuses the priority values %s, which no lane has", (values) => {
    const env = { Host1: "http://b.test", PriorityValues: values };
    expect(problemsOf(env)[0]).toContain("PriorityValues: expected whole numbers from 0");
  });

  it.each([
    ["stream", "direct"],
    ["jobs", "queued"],
    ["all", "auto"],
  ])("serves synchronous requests of the role %s by the mode %s", (role, mode) => {
    expect(settingsWith({ GATEWAY_ROLE: role }).syncMode).toBe(mode);
    expect(settingsWith({ GATEWAY_ROLE: role, GATEWAY_SYNC_MODE: "auto" }).syncMode).toBe("auto");
  });

  it("takes a credential key of 32 bytes", () => {
    const key = Buffer.alloc(32, 7);
    const settings = settingsWith({ GATEWAY_CREDENTIAL_KEY: key.toString("base64") });
    expect(Buffer.from(settings.credentialKey ?? []).equals(key)).toBe(true);
    expect(settingsWith().credentialKey).toBeUndefined();
  });

  it("cannot be changed once read", () => {
    const settings = settingsWith() as unknown as Record<string, Record<string, unknown>>;
    const isFrozen = [settings, settings["priority"], settings["hosts"], settings["userHeaders"]];
    expect(isFrozen.every(Object.isFrozen)).toBe(true);
    expect(Object.isFrozen(settings["hosts"]?.[0])).toBe(true);
  });
});
