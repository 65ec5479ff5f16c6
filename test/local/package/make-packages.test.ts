import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unzipSync } from "fflate";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import {
  makePackages,
  PACKAGED_ROLES,
  packageFolder,
} from "../../../local/package/make-packages.ts";
import { filesBelow, zipFolder } from "../../../local/package/zip-folder.ts";

const REPOSITORY = join(import.meta.dirname, "..", "..", "..");
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "gateway-packages-"));
  mkdirSync(join(root, "dist", "functions"), { recursive: true });
  for (const name of ["package.json", "host.json"])
    cpSync(join(REPOSITORY, name), join(root, name));
  writeFileSync(join(root, "dist", "functions", "index.cjs"), "exports.app = 1;");
  writeFileSync(join(root, "dist", "functions", "azure.cjs"), "exports.library = 1;");
  writeFileSync(join(root, "dist", "functions", "index.cjs.map"), "{}");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const read = (folder: string, name: string) => readFileSync(join(folder, name), "utf8");

describe("the packages", () => {
  it.each(PACKAGED_ROLES)("of %s hold the bundle, its settings, and nothing else", (role) => {
    makePackages(root);
    const folder = packageFolder(root, role);
    expect(filesBelow(folder)).toEqual([
      "azure.cjs",
      "host.json",
      "index.cjs",
      "index.cjs.map",
      "package.json",
    ]);
    expect(read(folder, "host.json")).toBe(read(REPOSITORY, "host.json"));
    const manifest = JSON.parse(read(folder, "package.json"));
    expect(filesBelow(folder)).toContain(manifest.main);
    // Oryx, and azd, would install what is listed there.
    expect(manifest).not.toHaveProperty("dependencies");
    expect(manifest).not.toHaveProperty("scripts");
    // It is the one that asks for most.
    const { engines } = JSON.parse(
      read(join(REPOSITORY, "node_modules", "undici"), "package.json"),
    );
    expect(manifest.engines).toEqual(engines);
  });

  it("leave nothing of an earlier package behind", () => {
    const folder = packageFolder(root, "jobs");
    mkdirSync(join(folder, "node_modules", "left"), { recursive: true });
    writeFileSync(join(folder, "node_modules", "left", "index.js"), "");
    writeFileSync(join(folder, "local.settings.json"), "{}");
    makePackages(root);
    expect(filesBelow(folder)).toHaveLength(5);
  });

  it("make the same zip of the same files, whenever they were written", () => {
    makePackages(root);
    const folder = packageFolder(root, "stream");
    const first = zipFolder(folder);
    utimesSync(join(folder, "host.json"), 1, 1);
    expect(Buffer.compare(zipFolder(folder), first)).toBe(0);
    const unpacked = unzipSync(first);
    expect(Object.keys(unpacked)).toEqual(filesBelow(folder));
    expect(Buffer.from(unpacked["index.cjs"] ?? []).toString()).toBe("exports.app = 1;");
    writeFileSync(join(folder, "host.json"), "{}");
    expect(Buffer.compare(zipFolder(folder), first)).not.toBe(0);
  });

  it("are what azure.yaml deploys, each to the app that is tagged with its name", () => {
    const { services, infra } = parse(read(REPOSITORY, "azure.yaml"));
    expect(Object.keys(services).sort()).toEqual([...PACKAGED_ROLES].sort());
    expect(infra).toEqual({ provider: "bicep", path: "infra", module: "main" });
    for (const role of PACKAGED_ROLES) {
      const { project, dist, language, host, remoteBuild } = services[role];
      expect({ language, host, remoteBuild }).toEqual({
        language: "js",
        host: "function",
        remoteBuild: false,
      });
      expect(join(REPOSITORY, project, dist)).toBe(packageFolder(REPOSITORY, role));
    }
    // The script that azd runs in the project makes them.
    const { scripts } = JSON.parse(read(REPOSITORY, "package.json"));
    expect(scripts.build).toContain("local/package/main.ts");
  });
});
