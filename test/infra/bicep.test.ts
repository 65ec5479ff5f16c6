import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findBicep, runBicep } from "../support/bicep-cli.ts";
import { expandDeployment } from "../support/infra-snapshot.ts";

const cli = findBicep();
// Each run of the CLI takes seconds by itself, and its turn on a busy machine.
const CLI_MS = 300_000;
const HOSTS = '["host=https://models.example"]';
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
    CLI_MS,
  );

  it.each(scenarios)(
    "takes the parameters of the scenario %s",
    (file) => {
      const env = { GATEWAY_SCENARIO: file.replace(".json", "") };
      const run = runBicep(bicep, ["build-params", "main.bicepparam", "--stdout"], env);
      expect({ code: run.code, diagnostics: run.diagnostics }).toEqual({
        code: 0,
        diagnostics: "",
      });
      expect(run.output).toContain(env.GATEWAY_SCENARIO);
    },
    CLI_MS,
  );

  it.each([
    ["GATEWAY_HOSTS names no backend", {}],
    [
      "GATEWAY_CALLER_APPLICATIONS must name who may call",
      { GATEWAY_HOSTS: HOSTS, GATEWAY_AUDIENCES: '["api://gateway"]' },
    ],
    [
      "GATEWAY_SCHEDULER_ALLOWLIST must name addresses",
      { GATEWAY_HOSTS: HOSTS, GATEWAY_SCENARIO: "vnet", GATEWAY_DURABLE: "scheduler" },
    ],
  ])(
    "refuses what could not work, before anything is made: %s",
    (reason, env) => expect(() => expandDeployment(bicep, env)).toThrow(reason),
    CLI_MS,
  );
});
