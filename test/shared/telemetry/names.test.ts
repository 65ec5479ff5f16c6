import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ATTRIBUTES, METRICS, VERSION } from "../../../shared/telemetry/index.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const metrics = Object.values(METRICS);
const metricNames = new Set<string>(metrics.map(({ name }) => name));
const attributeNames = new Set<string>(Object.values(ATTRIBUTES));

const queries = readdirSync(join(ROOT, "infra/queries")).map((file) => ({
  file,
  text: read(`infra/queries/${file}`),
}));
/** Names in a text that look like the gateway's own or those of the conventions. */
const namesIn = (text: string): string[] =>
  text.match(/\b(?:simplel7proxy|gen_ai|http|messaging|enduser)\.[a-z0-9_.]*[a-z0-9]/g) ?? [];

describe("the names of metrics and attributes", () => {
  it("are each given once, and of metrics only with attributes that there are", () => {
    expect(metricNames.size).toBe(metrics.length);
    for (const { attributes } of metrics) {
      for (const name of attributes) expect(attributeNames).toContain(name);
    }
  });

  it("are those that the queries of the workbook and the alerts ask for", () => {
    expect(queries.length).toBeGreaterThan(0);
    for (const { file, text } of queries) {
      const [, asked] = /where Name == "([^"]+)"/.exec(text) ?? [];
      if (asked !== undefined) expect(metricNames, file).toContain(asked);
      const metric = metrics.find(({ name }) => name === asked);
      for (const [, name = ""] of text.matchAll(/Properties\["([^"]+)"\]/g)) {
        const known = metric ? new Set<string>(metric.attributes) : attributeNames;
        expect(known, `${file}: ${name}`).toContain(name);
      }
    }
  });

  it("are asked for by queries that the deployment or the documents use", () => {
    const users = read("infra/app/watch.bicep") + read("docs/telemetry.md");
    for (const { file } of queries) expect(users).toContain(file);
  });

  it("are those of the documents: each metric has its row, and no name is made up", () => {
    const text = read("docs/telemetry.md");
    const rows = [...text.matchAll(/^\| `([a-z0-9_.]+)` \|/gm)].map(([, name]) => name);
    expect(rows.toSorted()).toEqual([...metricNames].toSorted());
    const prefixes = new Set([...metricNames, ...attributeNames, "gen_ai.system"]);
    for (const name of namesIn(text)) expect(prefixes, name).toContain(name);
  });

  it("tell the version of the package", () => {
    expect((JSON.parse(read("package.json")) as { version: string }).version).toBe(VERSION);
  });
});
