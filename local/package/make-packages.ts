import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { filesBelow } from "./zip-folder.ts";

/** The function apps, by the role that their setting `GATEWAY_ROLE` gives them. */
export const PACKAGED_ROLES = ["stream", "jobs"] as const;

export type PackagedRole = (typeof PACKAGED_ROLES)[number];

/** Folder of an app's package; azure.yaml points there. */
export const packageFolder = (root: string, role: PackagedRole): string =>
  join(root, "dist", "packages", role);

const BUNDLE = "dist/functions";
// What the libraries inside of the bundle ask for, undici most; to install, an older one does.
const ENGINES = { node: ">=22.19.0" };

/**
 * Lays out what each function app is deployed from: the bundle with its source maps, host.json and a
 * package.json that names the bundle. Both have the same bundle: what an app serves is said by its
 * role, which the deployment sets. Another process may read a package meanwhile, so that each file is
 * replaced whole.
 */
export function makePackages(root: string): void {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const bundle = filesBelow(join(root, BUNDLE)).map((name) => [
    name,
    readFileSync(join(root, BUNDLE, name)),
  ]);
  for (const role of PACKAGED_ROLES) {
    const name = `simplel7proxy-${role}`;
    const manifest = { name, version, private: true, main: "index.cjs", engines: ENGINES };
    layOut(packageFolder(root, role), {
      ...Object.fromEntries(bundle),
      "host.json": readFileSync(join(root, "host.json")),
      "package.json": Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`),
    });
  }
}

function layOut(folder: string, files: Readonly<Record<string, Uint8Array>>): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, bytes] of Object.entries(files)) writeWhole(join(folder, name), bytes);
  for (const name of filesBelow(folder)) {
    if (!Object.hasOwn(files, name)) rmSync(join(folder, name), { force: true });
  }
}

function writeWhole(path: string, bytes: Uint8Array): void {
  // Beside the folder, not in it: what is half written is never packed.
  const temporary = join(dirname(dirname(path)), `.new-${process.pid}`);
  writeFileSync(temporary, bytes);
  renameSync(temporary, path);
}
