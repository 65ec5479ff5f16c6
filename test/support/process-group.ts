import { execFile } from "node:child_process";
import { promisify } from "node:util";

const exec = promisify(execFile);

/** Whether a process of the group is there that has not ended; one that nobody has waited for has. */
export async function hasProcesses(groupId: number): Promise<boolean> {
  const { stdout } = await exec("ps", ["-Ao", "pgid=,stat="]);
  return stdout.split("\n").some((line) => {
    const [pgid, state = ""] = line.trim().split(/\s+/);
    return Number(pgid) === groupId && !state.startsWith("Z");
  });
}
