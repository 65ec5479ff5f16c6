import { expect, it } from "vitest";
import { runsHere } from "../../../shared/config/index.ts";

it.each([
  ["here, where one host runs everything", {}, true],
  ["on an instance of its own", { FUNCTIONS_TARGET_GROUP: "function:lanestandard" }, true],
  [
    "on an instance of another queue",
    { FUNCTIONS_TARGET_GROUP: "function:laneStandardOver" },
    false,
  ],
  ["on an instance for HTTP", { FUNCTIONS_TARGET_GROUP: "http", WEBSITE_INSTANCE_ID: "a" }, false],
  ["in Azure, where nobody says", { WEBSITE_INSTANCE_ID: "a" }, false],
])("a lane's messages are sure to come %s: %j", (_, env, isSure) => {
  expect(runsHere("laneStandard", env)).toBe(isSure);
});
