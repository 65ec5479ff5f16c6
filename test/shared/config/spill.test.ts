import { describe, expect, it } from "vitest";
import { SettingsError } from "../../../shared/config/index.ts";
import { settingsWith } from "../../support/settings.ts";

const spillOf = (text: string) => settingsWith({ GATEWAY_ROUTING_SPILL: text }).routing.spill;

describe("GATEWAY_ROUTING_SPILL", () => {
  it("lets every class spill at once unless it is said otherwise", () => {
    expect(settingsWith().routing.spill).toEqual({ byClass: new Map(), others: { when: "now" } });
  });

  it("reads a rule for each class, and one for all others", () => {
    const { byClass, others } = spillOf("1=now, 2=after:2000,3=Deadline:30000 ,*=never");
    expect([...byClass]).toEqual([
      [1, { when: "now" }],
      [2, { when: "after", waitedMs: 2000 }],
      [3, { when: "deadline", remainingMs: 30_000 }],
    ]);
    expect(others).toEqual({ when: "never" });
  });

  it.each(["1", "x=now", "1=soon", "1=after", "1=after:-5", "1=now;2=now", "1=now,,2=now"])(
    "names what is wrong with %s",
    (text) => {
      expect(() => spillOf(text)).toThrow(SettingsError);
      expect(() => spillOf(text)).toThrow("GATEWAY_ROUTING_SPILL: expected CLASS=");
    },
  );
});
