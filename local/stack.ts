import { join } from "node:path";
import { loadSettings, SettingsError, shippedLanes } from "../shared/config/index.ts";
import { buildApp } from "./app-build.ts";
import { type DataFolder, openDataFolder } from "./data-folder.ts";
import { freePort } from "./free-port.ts";
import type { HostOptions } from "./host/index.ts";
import { localTopics } from "./local-topics.ts";
import { planRoleHosts } from "./role-hosts.ts";
import { type LocalLog, type ServiceName, StartError } from "./service.ts";
import { openCertificate } from "./stack-certificate.ts";
import type { StackSettings } from "./stack-settings.ts";
import { Supervised } from "./supervisor.ts";
import { namespaceFor } from "./topology.ts";

/** The whole local stack, up. */
export interface Stack {
  /** What runs, in the order in which it was started; hosts of roles by the names of their roles. */
  readonly parts: ReadonlyMap<string, Supervised>;
  /** The names of the hosts; the first is the one that is announced. */
  readonly hosts: readonly string[];
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
  const parts = new Map<string, Supervised>();
  const starter = new Starter({ settings, env, folder, log, parts });
  try {
    const [build, appSettings] = await settle([
      buildApp(settings.appDir),
      starter.startBelowHost(),
    ]);
    const hosts = settings.host === "node" ? await starter.startHosts(appSettings) : [];
    return {
      parts,
      hosts,
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
    const isSimulated = !Object.keys(env).some((name) => /^Host\d+$/.test(name) && env[name]);
    loadSettings(isSimulated ? { ...env, Host1: PLACEHOLDER_HOST } : env);
  } catch (error) {
    if (error instanceof SettingsError) throw new StartError(error.message);
    throw error;
  }
}

/** Where a host listens, what it loads, and what it shares with others. */
type HostPlace = Pick<HostOptions, "port" | "appDir" | "dataDir" | "sharedDir" | "durableHub">;

interface StarterOptions {
  settings: StackSettings;
  env: Environment;
  folder: DataFolder;
  log: LocalLog;
  parts: Map<string, Supervised>;
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

  /** One host that does everything, or one for each of the roles; returns their names. */
  async startHosts(appSettings: Readonly<Record<string, string>>): Promise<string[]> {
    const { settings, folder } = this.#options;
    if (settings.roles.length > 0) return this.#startRoles(appSettings);
    const { port, appDir } = settings;
    await this.#startHost("host", { port, appDir, dataDir: folder.path("host") }, appSettings);
    return ["host"];
  }

  async #startRoles(appSettings: Readonly<Record<string, string>>): Promise<string[]> {
    const { settings, folder } = this.#options;
    const hosts = await planRoleHosts(settings);
    const key = folder.masterKey;
    const durable = { port: await freePort(), dataDir: folder.path("durable"), key };
    const { url } = (await this.#start("durable", durable)).facts;
    await settle(
      hosts.map(({ name, role, port, appDir }) =>
        this.#startHost(
          name,
          {
            ...{ port, appDir, dataDir: folder.path(join("hosts", name)) },
            ...{ sharedDir: folder.path(join("apps", role)), durableHub: { url, key } },
          },
          { ...appSettings, GATEWAY_ROLE: role },
        ),
      ),
    );
    return hosts.map(({ name }) => name);
  }

  async #startHost(
    name: string,
    options: HostPlace,
    appSettings: Readonly<Record<string, string>>,
  ): Promise<void> {
    const { env, folder } = this.#options;
    const { GATEWAY_ROLE } = appSettings;
    const own = {
      ...env,
      // A role is part of the plan; elsewhere the environment wins over the app settings.
      ...(GATEWAY_ROLE !== undefined && { GATEWAY_ROLE }),
      // Node reads this one when a process starts, and not later.
      ...(appSettings["NODE_EXTRA_CA_CERTS"] && {
        NODE_EXTRA_CA_CERTS: appSettings["NODE_EXTRA_CA_CERTS"],
      }),
    };
    const keys = { master: folder.masterKey };
    await this.#start("host", { ...options, settings: appSettings, keys }, { name, env: own });
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
    service: ServiceName,
    options: object,
    { name = service, env = this.#options.env }: { name?: string; env?: Environment } = {},
  ): Promise<Supervised> {
    const { log, parts } = this.#options;
    const part = await Supervised.start(service, { options, env, log });
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

const STOPPED_LAST: readonly ServiceName[] = ["durable", "models", "broker", "storage"];

async function stopAll(parts: ReadonlyMap<string, Supervised>, folder: DataFolder): Promise<void> {
  const last = new Set<string>(STOPPED_LAST);
  await Promise.all([...parts].map(([name, part]) => (last.has(name) ? undefined : part.stop())));
  for (const name of STOPPED_LAST) await parts.get(name)?.stop();
  folder.release();
}
