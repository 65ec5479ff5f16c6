import { describe, expect, it } from "vitest";
import { identifyCaller } from "../../../shared/identity/index.ts";

describe("identifyCaller", () => {
  it("joins the trusted headers in the order of the settings", () => {
    const headers = [
      ["x-app", "billing"],
      ["X-USERID", "ann"],
    ] as const;
    expect(identifyCaller(headers, ["X-UserID", "X-App"])).toEqual({ userId: "ann\nbilling" });
  });

  it("counts everybody who does not say who they are as one user", () => {
    expect(identifyCaller([], ["X-UserID"])).toEqual({ userId: "defaultUser" });
    expect(identifyCaller([["X-UserID", ""]], ["X-UserID"])).toEqual({ userId: "defaultUser" });
  });

  it("trusts no other header", () => {
    expect(identifyCaller([["X-UserID", "ann"]], ["X-App"])).toEqual({ userId: "defaultUser" });
  });
});
