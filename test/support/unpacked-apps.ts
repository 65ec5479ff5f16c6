import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unzipSync } from "fflate";
import { makePackages, PACKAGED_ROLES, packageFolder } from "../../local/package/make-packages.ts";
import { zipFolder } from "../../local/package/zip-folder.ts";

const ROOT = join(import.meta.dirname, "..", "..");

/** Both apps as they are deployed: packed, and unpacked into empty folders outside of the repository. */
export interface UnpackedApps extends Disposable {
  readonly folder: string;
}

/** Packs the bundle as it is built, and unpacks both packages. */
export function unpackApps(): UnpackedApps {
  makePackages(ROOT);
  const folder = mkdtempSync(join(tmpdir(), "gateway-apps-"));
  for (const role of PACKAGED_ROLES) {
    const files = unzipSync(zipFolder(packageFolder(ROOT, role)));
    mkdirSync(join(folder, role));
    for (const [name, bytes] of Object.entries(files)) {
      writeFileSync(join(folder, role, name), bytes);
    }
  }
  return {
    folder,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
