import { spawn } from "node:child_process";
import { StartError } from "./service.ts";
import type { StackSettings } from "./stack-settings.ts";

/** Runs Core Tools on the same bundle, host.json and settings; resolves with its exit code. */
export function runCoreTools(
  { appDir, port }: StackSettings,
  appSettings: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<number> {
  const func = spawn("func", ["start", "--port", String(port)], {
    cwd: appDir,
    env: { ...process.env, ...appSettings },
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  signal.addEventListener("abort", () => func.kill("SIGTERM"), { once: true });
  return new Promise((resolve, reject) => {
    func.once("exit", (code) => resolve(code ?? 0));
    func.once("error", () =>
      reject(
        new StartError(
          "Azure Functions Core Tools (func) were not found. Install them, or run " +
            "`LOCAL_HOST=none npm start` and start a host of your own with the settings it prints.",
        ),
      ),
    );
  });
}
