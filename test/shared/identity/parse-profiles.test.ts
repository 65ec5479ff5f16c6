import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseProfiles, parseProfilesInSteps } from "../../../shared/identity/index.ts";

/** Reads what must be readable. */
function read(content: unknown, fields = {}) {
  const parsed = parseProfiles(JSON.stringify(content), fields);
  if (!parsed.ok) throw new Error(parsed.problems.join("\n"));
  return parsed;
}

function problemsOf(content: unknown): readonly string[] {
  const text = typeof content === "string" ? content : JSON.stringify(content);
  const parsed = parseProfiles(text);
  return parsed.ok ? [] : parsed.problems;
}

// The file that the original ships, its duplicate included.
const SHIPPED = [
  {
    userId: "123456",
    S7PPriorityKey: "12345",
    Header1: "Value1",
    Header2: "Value2",
    fofo: "fofo",
    "internal-fofo2": "fofo2",
    "async-config": "enabled=true, containername=user123456, topic=status-123456",
  },
  {
    userId: "123455",
    S7PPriorityKey: "12345",
    Header1: "Value1",
    Header2: "Value2",
    "async-config": "enabled=true, containername=user123455, topic=status-12355",
  },
  {
    userId: "123456",
    Header1: "Value1",
    Header2: "Value2",
    "async-config": "enabled=false",
    AllowedPaths: "/echo*, /file/*",
  },
];

describe("a profiles document", () => {
  it("of the original works unchanged, and its duplicate is visible while the last one counts", () => {
    const { value, warnings } = read(SHIPPED);
    expect(value.size).toBe(2);
    expect(value.find("123456")).toMatchObject({
      headers: [
        ["Header1", "Value1"],
        ["Header2", "Value2"],
        ["AllowedPaths", "/echo*, /file/*"],
      ],
      asyncAccess: { enabled: false },
      weight: 1,
      limits: {},
      group: undefined,
    });
    expect(value.find("123455")?.asyncAccess).toEqual({
      enabled: true,
      containerName: "user123455",
      topic: "status-12355",
      timeoutSeconds: 3600,
      generateSas: false,
    });
    expect(warnings).toEqual(["entry 2 has the id of entry 0; the last one counts"]);
  });

  it("V09: knows a user that has only the id", () => {
    expect(read([{ userId: "u2" }]).value.find("u2")).toMatchObject({ id: "u2", headers: [] });
  });

  it("does not know whom it does not list, whatever objects inherit", () => {
    const { value } = read([{ userId: "u1" }]);
    for (const id of ["u2", "U1", "", "__proto__", "constructor"]) {
      expect(value.find(id)).toBeUndefined();
    }
  });

  it("V08: injects every field but internal ones and those that steer the gateway", () => {
    const { value } = read([
      {
        userId: "u1",
        Team: "red",
        "internal-k": "v",
        "INTERNAL-K2": "v",
        "async-config": "enabled=false",
        group: "research",
        weight: 3,
        "limit-concurrent": "4",
      },
    ]);
    expect(value.find("u1")?.headers).toEqual([["Team", "red"]]);
    expect([...(value.find("u1")?.headerNames ?? [])]).toEqual(["team"]);
  });

  it("turns every value into a string, nested JSON into its text", () => {
    const values = { A: 1, B: 1.5, C: true, D: null, E: { x: [1, "y"] }, F: "  spaced " };
    expect(read([{ userId: "u", ...values }]).value.find("u")?.headers).toEqual([
      ["A", "1"],
      ["B", "1.5"],
      ["C", "true"],
      ["D", ""],
      ["E", '{"x":[1,"y"]}'],
      ["F", "spaced"],
    ]);
  });

  it("writes what is not ASCII as the bytes of its UTF-8, so that ids and values compare", () => {
    const wire = (text: string): string => Buffer.from(text, "utf8").toString("latin1");
    const { value } = read([{ userId: "Müller", City: "Zürich" }]);
    expect(value.find(wire("Müller"))?.headers).toEqual([["City", wire("Zürich")]]);
    expect(value.find("Müller")).toBeUndefined();
  });

  it("reads our own limits, weight and group", () => {
    const { value } = read([
      {
        userId: "u",
        "limit-requests-per-minute": 60,
        "limit-tokens-per-minute": "90000",
        "Limit-Tokens-Per-Day": 1_000_000,
        "limit-concurrent": 5,
        "limit-queued": 10,
        weight: "4",
        group: " research ",
      },
    ]);
    expect(value.find("u")).toMatchObject({
      group: "research",
      weight: 4,
      limits: {
        requestsPerMinute: 60,
        tokensPerMinute: 90_000,
        tokensPerDay: 1_000_000,
        concurrentRequests: 5,
        queuedRequests: 10,
      },
    });
  });

  it("takes the names of the id field and the async field from the settings", () => {
    const entry = { name: "u", userId: "other", jobs: "enabled=true,containername=abc,topic=t" };
    const profile = read([entry], { idField: "name", asyncField: "jobs" }).value.find("u");
    expect(profile?.headers).toEqual([["userId", "other"]]);
    expect(profile?.asyncAccess).toMatchObject({ enabled: true, topic: "t" });
  });

  it("lets the last of two spellings of a field count, and says so", () => {
    const { value, warnings } = read([{ userId: "u", Team: "red", team: "blue" }]);
    expect(value.find("u")?.headers).toEqual([["team", "blue"]]);
    expect(warnings).toEqual(['entry 0: field "team" occurs twice; the last one counts']);
  });

  it("warns of a limit that nobody enforces, of reserved fields and of having no entries", () => {
    const { warnings } = read([{ userId: "u", "limit-per-hour": 1, __DeletedAt: "x" }]);
    expect(warnings).toEqual([
      'entry 0: field "limit-per-hour" is no limit',
      'entry 0: field "__DeletedAt" is reserved and not used',
    ]);
    expect(read([]).warnings).toEqual(["the document has no profiles"]);
  });

  it("takes rows in place of a text", () => {
    const parsed = parseProfiles([{ userId: "u", Team: "red" }]);
    expect(parsed.ok && parsed.value.find("u")?.headers).toEqual([["Team", "red"]]);
  });

  it("can be read in steps, short enough for others to run in between", () => {
    const entries = Array.from({ length: 1000 }, (_, n) => ({ userId: `u${n}`, Team: `t${n}` }));
    const steps = parseProfilesInSteps(JSON.stringify(entries));
    let count = 0;
    let step = steps.next();
    for (; !step.done; step = steps.next()) count += 1;
    expect(count).toBe(20);
    expect(step.value.ok && step.value.value.find("u999")?.headers).toEqual([["Team", "t999"]]);
  });

  it("is immutable once read", () => {
    const { value } = read([{ userId: "u", Team: "red" }]);
    const profile = value.find("u");
    for (const part of [value, profile, profile?.headers, profile?.headers[0]]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });
});

describe("a wrong profiles document is refused as a whole", () => {
  it("with every problem named by entry and field", () => {
    expect(
      problemsOf([
        { userId: "good" },
        { name: "no id" },
        "text",
        { userId: "" },
        { userId: "u4", "Full Name": "x" },
        { userId: "u5", Note: "line\nbreak" },
        { userId: "u6", "limit-concurrent": 0, weight: -1, group: "" },
        { userId: "u7", Big: 2 ** 64 },
        { userId: "u8", "async-config": {} },
        { userId: "u9", "limit-queued": 1.5 },
      ]),
    ).toEqual([
      'entry 1: field "userId" is missing, empty or no text',
      "entry 2 is not an object",
      'entry 3: field "userId" is missing, empty or no text',
      'entry 4: field "Full Name" cannot be the name of a header',
      'entry 5: field "Note" has characters that no header may have',
      'entry 6: field "limit-concurrent" is not a positive whole number',
      'entry 6: field "weight" is not a positive whole number',
      'entry 6: field "group" is not a text of 1 to 128 characters',
      'entry 7: field "Big" is a number too large to keep; put it in quotes',
      'entry 8: field "async-config" is no text',
      'entry 9: field "limit-queued" is not a positive whole number',
    ]);
  });

  it("when it is no array, or no JSON, without quoting what may be a credential", () => {
    expect(problemsOf({ userId: "u" })).toEqual(["the document is not a JSON array"]);
    const [problem = "", ...rest] = problemsOf('[{"userId":"u","Authorization":"Bearer s3cret"');
    expect(rest).toEqual([]);
    expect(problem).toMatch(/^the document is not JSON/);
    expect(problem).not.toContain("s3cret");
    expect(problemsOf("s3cret")).toEqual(["the document is not JSON"]);
  });

  it("even when a wrong name looks like the names of an entry before it", () => {
    expect(
      problemsOf([
        { userId: "u1", a: "1", b: "2" },
        { userId: "u2", "a\nb": "3" },
      ]),
    ).toEqual(['entry 1: field "a\\nb" cannot be the name of a header']);
  });

  it("and names a bounded number of problems, with the count of the rest", () => {
    const problems = problemsOf(Array.from({ length: 5000 }, () => ({})));
    expect(problems).toHaveLength(101);
    expect(problems.at(-1)).toBe("and 4900 more");
  });

  it("never throws, and never lets a line break into a header, whatever the document", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const parsed = parseProfiles(text);
        expect(parsed.ok || parsed.problems.length > 0).toBe(true);
      }),
    );
    const field = fc.tuple(fc.string(), fc.jsonValue());
    fc.assert(
      fc.property(fc.array(field), (fields) => {
        const entry = { ...Object.fromEntries(fields), userId: "u" };
        const parsed = parseProfiles([entry]);
        if (!parsed.ok) return;
        for (const [name, value] of parsed.value.find("u")?.headers ?? []) {
          expect(() => new Headers([[name, value]])).not.toThrow();
        }
      }),
    );
  });
});
