import { existsSync, globSync, statSync } from "node:fs";
import { join } from "node:path";
import { StartError } from "../../service.ts";
import { readJsonFile } from "./read-json-file.ts";

/** How a file is loaded: by `import()` or by `require`. */
export interface EntryPoint {
  readonly file: string;
  readonly kind: "module" | "commonjs";
}

/** The files that package.json's `main` names: one, or all that a glob matches. */
export function findEntryPoints(appDir: string): EntryPoint[] {
  const manifest = readJsonFile(join(appDir, "package.json")) as { main?: unknown; type?: unknown };
  const { main, type } = manifest ?? {};
  if (typeof main !== "string" || main === "") {
    throw new StartError(`${join(appDir, "package.json")} needs "main": the file of the app.`);
  }
  const files = existsAsFile(join(appDir, main)) ? [main] : globSync(main, { cwd: appDir });
  if (files.length === 0) {
    throw new StartError(
      `${join(appDir, main)} ("main" of package.json) matches no file. Is the app built?`,
    );
  }
  return files.sort().map((file) => ({ file: join(appDir, file), kind: kindOf(file, type) }));
}

function existsAsFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}

function kindOf(file: string, type: unknown): EntryPoint["kind"] {
  if (/\.m[jt]s$/.test(file)) return "module";
  if (/\.c[jt]s$/.test(file)) return "commonjs";
  return type === "module" ? "module" : "commonjs";
}
