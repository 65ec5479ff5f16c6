import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { makePackages, PACKAGED_ROLES, packageFolder } from "./make-packages.ts";
import { zipFolder } from "./zip-folder.ts";

/** `npm run package`: the two folders that are deployed; with `-- --zip` also a zip of each. */
const ROOT = join(import.meta.dirname, "..", "..");
const ARGUMENTS = new Set(["--zip"]);

function main(args: readonly string[]): void {
  const unknown = args.find((argument) => !ARGUMENTS.has(argument));
  if (unknown !== undefined) throw new Error(`"${unknown}" is not known; there is only --zip.`);
  makePackages(ROOT);
  for (const role of PACKAGED_ROLES) {
    const folder = packageFolder(ROOT, role);
    if (args.includes("--zip")) writeFileSync(`${folder}.zip`, zipFolder(folder));
    console.log(args.includes("--zip") ? `${folder}.zip` : folder);
  }
}

try {
  main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
