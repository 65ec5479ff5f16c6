import { describe, expect, it } from "vitest";
import { utilizationIn } from "../../../shared/routing/index.ts";

const told = (value: string) => utilizationIn([["azure-openai-deployment-utilization", value]]);

describe("the use of provisioned throughput", () => {
  it("is read of an answer's head", () => {
    expect(["45.2%", " 45.2 % ", "45.2", "0%", "103.5%"].map(told)).toEqual([
      0.452, 0.452, 0.452, 0, 1.035,
    ]);
  });

  it("is not known where it is not told, or not as a part of a hundred", () => {
    expect(utilizationIn([["content-type", "text/plain"]])).toBeUndefined();
    for (const value of ["", "much", "-5%", "1e9", "NaN", "99999%", "5%%"]) {
      expect(told(value)).toBeUndefined();
    }
  });
});
