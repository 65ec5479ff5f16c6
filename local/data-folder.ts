import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { StartError } from "./service.ts";

/** The folder of one stack. Only one stack at a time may use it. Scope: one stack process. */
export interface DataFolder {
  path(part: string): string;
  /** Key that seals stored credentials; made once and kept, so that stored requests stay readable. */
  readonly credentialKey: string;
  /** Key that opens the host's own endpoints, as a master key does on Azure. */
  readonly masterKey: string;
  release(): void;
}

const KEY_BYTES = 32;

/** Makes the folder where it is absent, and claims it for this process. */
export function openDataFolder(folder: string): DataFolder {
  const claimPath = join(folder, "stack.pid");
  try {
    makeFolder(folder);
    refuseIfClaimed(folder, claimPath);
    writeFileSync(claimPath, `${process.pid}\n`);
    return {
      path: (part) => join(folder, part),
      credentialKey: readOrMakeKey(join(folder, "credential.key")),
      masterKey: toWord(readOrMakeKey(join(folder, "master.key"))),
      release: () => rmSync(claimPath, { force: true }),
    };
  } catch (error) {
    if (error instanceof StartError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartError(
      `The data folder ${folder} cannot be used (${reason}). ` +
        "Set LOCAL_DATA_DIR to a folder that can be written.",
    );
  }
}

/** By hand: the recursive way of node never returns in folders like /proc, whose parents are there and take nothing. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  if (dirname(folder) !== folder) makeFolder(dirname(folder));
  try {
    mkdirSync(folder);
  } catch (error) {
    // Another stack may have made it meanwhile.
    if (!existsSync(folder)) throw error;
  }
}

/** The key as one that a header, a query and a path take as it is. */
const toWord = (base64: string): string => Buffer.from(base64, "base64").toString("base64url");

/** A claim outlives a killed process, so it counts only while that process lives and is one of ours. */
function refuseIfClaimed(folder: string, claimPath: string): void {
  const pid = Number(readIfThere(claimPath));
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid || !isStack(pid)) return;
  throw new StartError(
    `The data folder ${folder} is in use by another stack (process ${pid}). ` +
      "Stop that one, or set LOCAL_DATA_DIR to another folder.",
  );
}

function isStack(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // Where the system tells what a process runs, a reused process id is not mistaken for a stack.
  const commandLine = readIfThere(`/proc/${pid}/cmdline`);
  return commandLine === "" || commandLine.includes("main.ts");
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function readOrMakeKey(path: string): string {
  const known = readIfThere(path).trim();
  if (Buffer.from(known, "base64").byteLength === KEY_BYTES) return known;
  const key = randomBytes(KEY_BYTES).toString("base64");
  writeFileSync(path, `${key}\n`, { mode: 0o600 });
  return key;
}
