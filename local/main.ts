import { join } from "node:path";
import { banner, hostSettingsText } from "./banner.ts";
import { runCoreTools } from "./core-tools.ts";
import { withLocalValues } from "./local-values.ts";
import { type LocalLog, StartError } from "./service.ts";
import { type Stack, startStack } from "./stack.ts";
import { readStackSettings, type StackSettings } from "./stack-settings.ts";

/** `npm start`: the whole local stack until SIGTERM or SIGINT, then exit code 0. */
const ROOT = join(import.meta.dirname, "..");
const STOP_GRACE_MS = 60_000;

const log: LocalLog = (line) => console.error(line);

async function main(): Promise<void> {
  const env = withLocalValues(ROOT, { ...process.env, ...argumentsOf(process.argv) });
  const settings = readStackSettings(env);
  const stopped = stopSignal();
  const stack = await startStack(settings, env, log);
  try {
    announce(stack, settings);
    await Promise.race([serve(stack, settings, stopped), stack.failed]);
  } finally {
    // Should a part hang while stopping, the process must still end.
    setTimeout(() => process.exit(1), STOP_GRACE_MS).unref();
    await stack.stop();
  }
}

const VARIABLES = { host: "LOCAL_HOST", roles: "LOCAL_ROLES" } as const;
const ROLES_OF_AZURE = "stream,jobs,jobs";

/**
 * `--host=func` says what `LOCAL_HOST=func` says, on systems whose shell cannot set a variable in
 * place; `--roles` alone is the pair of apps that Azure has, with two instances of the second.
 */
function argumentsOf(argv: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    argv.slice(2).map((argument) => {
      const [, name, value] = /^--(host|roles)(?:=(.*))?$/.exec(argument) ?? [];
      if (name === "roles") return [VARIABLES.roles, value ?? ROLES_OF_AZURE];
      if (name === "host" && value !== undefined) return [VARIABLES.host, value];
      throw new StartError(`"${argument}" is not known; there are --host=... and --roles[=...].`);
    }),
  );
}

function announce(stack: Stack, settings: StackSettings): void {
  if (process.stdout.isTTY) console.log(banner(stack, settings));
  const urls = stack.hosts.map((name) => [name, stack.parts.get(name)?.facts.url] as const);
  if (urls.length > 1) for (const [name, url] of urls) console.log(`${name} ${url}`);
  const [first] = urls;
  if (first) {
    console.log(`ready ${first[1]}`);
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
