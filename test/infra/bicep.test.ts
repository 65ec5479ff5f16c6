import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findBicep, runBicep } from "../support/bicep-cli.ts";

const cli = findBicep();
const scenarios = readdirSync(join(import.meta.dirname, "..", "..", "infra", "scenarios"));

describe.skipIf(cli === undefined)("the infrastructure (skipped without the Bicep CLI)", () => {
  const bicep = cli ?? "";

  it.each(["main.bicep", "apim/apim.bicep"])(
    "compiles and lints without a word: %s",
    (template) => {
      for (const command of ["build", "lint"]) {
        const { code, diagnostics } = runBicep(bicep, [
          command,
          template,
          ...(command === "build" ? ["--stdout"] : []),
        ]);
        expect({ code, diagnostics }).toEqual({ code: 0, diagnostics: "" });
      }
    },
  );

  it.each(scenarios)("takes the parameters of the scenario %s", (file) => {
    const env = { GATEWAY_SCENARIO: file.replace(".json", "") };
    const run = runBicep(bicep, ["build-params", "main.bicepparam", "--stdout"], env);
    expect({ code: run.code, diagnostics: run.diagnostics }).toEqual({ code: 0, diagnostics: "" });
    expect(run.output).toContain(env.GATEWAY_SCENARIO);
  });
});
