import { banner, hostSettingsText } from "./banner.ts";
import { runCoreTools } from "./core-tools.ts";
import { type LocalLog, StartError } from "./service.ts";
import { type Stack, startStack } from "./stack.ts";
import { readStackSettings, type StackSettings } from "./stack-settings.ts";

/** `npm start`: the whole local stack until SIGTERM or SIGINT, then exit code 0. */
const STOP_GRACE_MS = 60_000;

const log: LocalLog = (line) => console.error(line);

async function main(): Promise<void> {
  const settings = readStackSettings({ ...process.env, ...hostArgument(process.argv) });
  const stopped = stopSignal();
  const stack = await startStack(settings, process.env, log);
  try {
    announce(stack, settings);
    await Promise.race([serve(stack, settings, stopped), stack.failed]);
  } finally {
    // Should a part hang while stopping, the process must still end.
    setTimeout(() => process.exit(1), STOP_GRACE_MS).unref();
    await stack.stop();
  }
}

/** `--host=func` says what `LOCAL_HOST=func` says, on systems whose shell cannot set a variable in place. */
function hostArgument(argv: readonly string[]): { LOCAL_HOST?: string } {
  const argument = argv.find((candidate) => candidate.startsWith("--host="));
  return argument === undefined ? {} : { LOCAL_HOST: argument.slice("--host=".length) };
}

function announce(stack: Stack, settings: StackSettings): void {
  if (process.stdout.isTTY) console.log(banner(stack, settings));
  const host = stack.parts.get("host");
  if (host) {
    console.log(`ready ${host.facts.url}`);
  } else if (settings.host === "none") {
    console.log(`Settings for a host of your own:\n${hostSettingsText(stack.appSettings)}`);
    console.log("ready, without a host");
  }
}

async function serve(
  { appSettings }: Stack,
  settings: StackSettings,
  stopped: AbortSignal,
): Promise<void> {
  if (settings.host === "func") {
    await runCoreTools(settings, appSettings, stopped);
    return;
  }
  await new Promise<void>((resolve) => {
    if (stopped.aborted) resolve();
    stopped.addEventListener("abort", () => resolve(), { once: true });
  });
}

function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => controller.abort());
  return controller.signal;
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    log(error instanceof StartError ? error.message : String(Object(error).stack ?? error));
    process.exit(1);
  },
);
