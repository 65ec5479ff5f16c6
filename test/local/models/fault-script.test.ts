import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FaultCounter } from "../../../local/models/fault-counter.ts";
import { FAULTS, type FaultRule, parseFaultScript } from "../../../local/models/fault-script.ts";

const rulesOf = (script: string): readonly FaultRule[] => {
  const parsed = parseFaultScript(script);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.rules;
};

describe("a fault script", () => {
  it("is a list of faults with numbers and modifiers", () => {
    expect(rulesOf("status:503,fail:2; throttle ;drip:5,on:2,fail:1")).toEqual([
      { name: "status", value: 503, fail: 2 },
      { name: "throttle" },
      { name: "drip", value: 5, on: 2, fail: 1 },
    ]);
  });

  it.each([
    ["", "is no fault"],
    ["explode", '"explode" is no fault'],
    ["status", '"status" needs a number'],
    ["status:200", "from 400 to 599"],
    ["status:5e2", "is no fault"],
    ["reset:1", '"reset" takes no number'],
    ["reset,fail:0", "is no modifier"],
    ["reset,fail", "is no modifier"],
    ["reset,later:2", "is no modifier"],
    ["reset,on:1,on:2", '"on" twice'],
    ["reset;", "is no fault"],
    ["constructor", "is no fault"],
    [`reset;${"x".repeat(1_000)}`, "at most 1000 characters"],
  ])("%j is refused with its reason", (script, reason) => {
    const parsed = parseFaultScript(script);
    expect(parsed.ok ? "it was accepted" : parsed.problem).toContain(reason);
  });

  it("reads back whatever it can say", () => {
    const ruleArbitrary = fc.record(
      {
        name: fc.constantFrom(...(Object.keys(FAULTS) as (keyof typeof FAULTS)[])),
        fail: fc.integer({ min: 1, max: 999 }),
        on: fc.integer({ min: 1, max: 99 }),
      },
      { requiredKeys: ["name"] },
    );
    const withValue = ruleArbitrary.map((rule): FaultRule => {
      const shape = FAULTS[rule.name];
      return shape.argument === "none" ? rule : { ...rule, value: shape.max };
    });
    fc.assert(
      fc.property(fc.array(withValue, { minLength: 1, maxLength: 10 }), (rules) => {
        expect(rulesOf(rules.map(written).join(" ; "))).toEqual(rules);
      }),
    );
  });

  it("is refused or read, whatever the text, and never fails otherwise", () => {
    fc.assert(fc.property(fc.string(), (text) => typeof parseFaultScript(text).ok === "boolean"));
  });
});

describe("counting a script's calls", () => {
  it("uses the first rule that is not spent", () => {
    const counter = new FaultCounter();
    const rules = rulesOf("status:500,fail:2;reset,fail:1");
    const names = Array.from({ length: 5 }, () => counter.next("key", rules, 1)?.name);
    expect(names).toEqual(["status", "status", "reset", undefined, undefined]);
  });

  it("counts over all endpoints, and spends a rule only where it applies", () => {
    const counter = new FaultCounter();
    const rules = rulesOf("status:500,on:2,fail:1");
    const names = [1, 2, 2, 1].map((endpoint) => counter.next("key", rules, endpoint)?.name);
    expect(names).toEqual([undefined, "status", undefined, undefined]);
  });

  it("counts each key by itself, and starts over after a reset", () => {
    const counter = new FaultCounter();
    const rules = rulesOf("reset,fail:1");
    expect(counter.next("a", rules, 1)?.name).toBe("reset");
    expect(counter.next("b", rules, 1)?.name).toBe("reset");
    expect(counter.next("a", rules, 1)).toBeUndefined();
    counter.reset();
    expect(counter.next("a", rules, 1)?.name).toBe("reset");
  });
});

function written({ name, value, fail, on }: FaultRule): string {
  const fault = value === undefined ? name : `${name}:${value}`;
  return [fault, fail && `fail:${fail}`, on && `on:${on}`].filter(Boolean).join(", ");
}
