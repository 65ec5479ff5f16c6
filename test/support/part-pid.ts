import { execFile } from "node:child_process";
import { promisify } from "node:util";

const exec = promisify(execFile);

/**
 * The process that runs a part of the stack whose parent is given, also while it still starts; of
 * several of a kind, the one whose options have this text.
 */
export async function partPid(
  parentPid: number,
  part: string,
  text = "",
): Promise<number | undefined> {
  const { stdout } = await exec("ps", ["-Ao", "pid=,ppid=,args="]);
  for (const line of stdout.split("\n")) {
    const [, pid, ppid, args = ""] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    const isPart = args.includes(`service-entry.ts ${part} `) && args.includes(text);
    if (isPart && Number(ppid) === parentPid) return Number(pid);
  }
  return undefined;
}
