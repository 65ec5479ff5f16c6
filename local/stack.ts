import { loadSettings, SettingsError, shippedLanes } from "../shared/config/index.ts";
import { buildApp } from "./app-build.ts";
import { type DataFolder, openDataFolder } from "./data-folder.ts";
import { localTopics } from "./local-topics.ts";
import { type LocalLog, type ServiceName, StartError } from "./service.ts";
import { openCertificate } from "./stack-certificate.ts";
import type { StackSettings } from "./stack-settings.ts";
import { Supervised } from "./supervisor.ts";
import { namespaceFor } from "./topology.ts";

/** The whole local stack, up. */
export interface Stack {
  /** What runs, in the order in which it was started. */
  readonly parts: ReadonlyMap<ServiceName, Supervised>;
  /** The app settings with which the host runs, or is to be run. */
  readonly appSettings: Readonly<Record<string, string>>;
  readonly build: "built" | "fresh";
  /** Rejects when a part cannot be kept alive. */
  readonly failed: Promise<never>;
  /** Stops the host first, so that what it runs can still reach the rest. */
  stop(): Promise<void>;
}

type Environment = Readonly<Record<string, string | undefined>>;

// A setting that stands for what the stack will provide, so that all settings can be checked first.
const PLACEHOLDER_HOST = "http://127.0.0.1:9";

/** Starts everything, or nothing: when one part fails, those already up are stopped again. */
export async function startStack(
  settings: StackSettings,
  env: Environment,
  log: LocalLog,
): Promise<Stack> {
  checkAppSettings(env);
  const folder = openDataFolder(settings.dataDir);
  const parts = new Map<ServiceName, Supervised>();
  const starter = new Starter({ settings, env, folder, log, parts });
  try {
    const [build, appSettings] = await settle([
      buildApp(settings.appDir),
      starter.startBelowHost(),
    ]);
    if (settings.host === "node") await starter.startHost(appSettings);
    return {
      parts,
      appSettings,
      build,
      failed: Promise.race([...parts.values()].map((part) => part.failed)),
      stop: () => stopAll(parts, folder),
    };
  } catch (error) {
    await stopAll(parts, folder);
    throw error;
  }
}

/** Names every bad setting before anything listens, as the app itself would at its start. */
function checkAppSettings(env: Environment): void {
  try {
    loadSettings(env["Host1"] ? env : { ...env, Host1: PLACEHOLDER_HOST });
  } catch (error) {
    if (error instanceof SettingsError) throw new StartError(error.message);
    throw error;
  }
}

interface StarterOptions {
  settings: StackSettings;
  env: Environment;
  folder: DataFolder;
  log: LocalLog;
  parts: Map<ServiceName, Supervised>;
}

/** Starts the parts one by one. Scope: one start. */
class Starter {
  readonly #options: StarterOptions;

  constructor(options: StarterOptions) {
    this.#options = options;
  }

  /** Storage, broker and models, side by side; returns the settings that lead to them. */
  async startBelowHost(): Promise<Record<string, string>> {
    const { env, folder } = this.#options;
    const [storage, broker, models] = await settle([
      this.#storage(),
      this.#broker(),
      this.#models(),
    ]);
    return {
      FUNCTIONS_WORKER_RUNTIME: "node",
      AzureWebJobsDisableHomepage: "true",
      GATEWAY_CREDENTIAL_KEY: env["GATEWAY_CREDENTIAL_KEY"] ?? folder.credentialKey,
      ...storage,
      ...broker,
      ...models,
    };
  }

  async startHost(appSettings: Readonly<Record<string, string>>): Promise<void> {
    const { settings, env, folder } = this.#options;
    const options = {
      port: settings.port,
      appDir: settings.appDir,
      dataDir: folder.path("host"),
      settings: appSettings,
      keys: { master: folder.masterKey },
    };
    // Node reads this one when a process starts, and not later.
    const trust = appSettings["NODE_EXTRA_CA_CERTS"];
    await this.#start("host", options, trust ? { ...env, NODE_EXTRA_CA_CERTS: trust } : env);
  }

  async #storage(): Promise<Record<string, string>> {
    const { settings, env, folder } = this.#options;
    const given = env["AzureWebJobsStorage"];
    if (given) return { AzureWebJobsStorage: given };
    const options = { port: settings.storagePort, dataDir: folder.path("storage") };
    const tls = settings.storageTls
      ? await openCertificate(folder.path("tls"), env["NODE_EXTRA_CA_CERTS"])
      : undefined;
    const { facts } = await this.#start("storage", tls ? { ...options, tls } : options);
    const appSettings = facts["appSettings"] as Record<string, string>;
    return tls ? { ...appSettings, NODE_EXTRA_CA_CERTS: tls.trustPath } : appSettings;
  }

  async #broker(): Promise<Record<string, string>> {
    const { settings, env, folder } = this.#options;
    const given = env["ServiceBusConnection"];
    if (given) return { ServiceBusConnection: given };
    const { facts } = await this.#start("broker", {
      port: settings.brokerPort,
      dataDir: folder.path("broker"),
      namespace: namespaceFor(shippedLanes(), localTopics(settings.topics, env)),
    });
    const { host } = new URL(facts.url);
    return {
      ServiceBusConnection:
        `Endpoint=sb://${host};SharedAccessKeyName=RootManageSharedAccessKey;` +
        "SharedAccessKey=local;UseDevelopmentEmulator=true;",
    };
  }

  async #models(): Promise<Record<string, string>> {
    const { settings, env } = this.#options;
    if (env["Host1"]) return {};
    const { facts } = await this.#start("models", { port: settings.modelsPort });
    const urls = facts["urls"] as string[];
    return Object.fromEntries(urls.map((url, i) => [`Host${i + 1}`, `host=${url};mode=direct`]));
  }

  async #start(
    name: ServiceName,
    options: object,
    env: Environment = this.#options.env,
  ): Promise<Supervised> {
    const { log, parts } = this.#options;
    const part = await Supervised.start(name, { options, env, log });
    parts.set(name, part);
    return part;
  }
}

/** Like Promise.all, but waits for all even when one fails: a part that comes up late must be stopped too. */
async function settle<Values extends readonly unknown[]>(
  work: readonly [...{ [Key in keyof Values]: Promise<Values[Key]> }],
): Promise<Values> {
  await Promise.allSettled(work);
  return (await Promise.all(work)) as unknown as Values;
}

const STOP_ORDER: readonly ServiceName[] = ["host", "models", "broker", "storage"];

async function stopAll(
  parts: ReadonlyMap<ServiceName, Supervised>,
  folder: DataFolder,
): Promise<void> {
  for (const name of STOP_ORDER) await parts.get(name)?.stop();
  folder.release();
}
