import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Zippable, zipSync } from "fflate";

// The first moment a zip can name. Read as local time, so that it says the same in every time zone.
const NO_TIME = new Date(1980, 0, 1);
const UNIX = 3;
const REGULAR_FILE_0644 = 0o100644 << 16;

/** A folder's files as a zip: the same bytes for the same files, wherever and whenever it is made. */
export function zipFolder(folder: string): Uint8Array {
  const files: Zippable = {};
  for (const name of filesBelow(folder)) {
    files[name] = [
      new Uint8Array(readFileSync(join(folder, name))),
      { mtime: NO_TIME, os: UNIX, attrs: REGULAR_FILE_0644, level: 9 },
    ];
  }
  return zipSync(files);
}

/** The paths of all files below a folder, with forward slashes, in one order on every system. */
export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .map((path) => path.replaceAll("\\", "/"))
    .sort();
}
