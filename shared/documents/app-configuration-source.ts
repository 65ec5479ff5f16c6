import { identityCredential } from "../connections/index.ts";
import { DEFAULT_LIMIT_BYTES, DocumentError, type DocumentSource } from "./document-source.ts";
import { contentVersion, tooLarge } from "./text-content.ts";

/** One key with its value. */
export interface SettingEntry {
  readonly key: string;
  readonly value: string;
}

/** What is asked of a configuration store. */
export interface ConfigurationStore {
  /** A version that changes with the key's value; undefined when there is no such key. */
  versionOf(key: string, signal: AbortSignal): Promise<string | undefined>;
  list(keyFilter: string, signal: AbortSignal): AsyncIterable<SettingEntry>;
}

/** How to reach an App Configuration store: with a connection string, or by identity. */
export type AppConfigurationConnection =
  | { readonly kind: "connectionString"; readonly connectionString: string }
  | { readonly kind: "identity"; readonly endpoint: string; readonly clientId: string | undefined };

export interface AppConfigurationSourceOptions {
  readonly connection: AppConfigurationConnection;
  /** `AZURE_APPCONFIG_LABEL`; undefined takes the keys without a label. */
  readonly label?: string | undefined;
  readonly prefix?: string;
  /** A key that is changed last: while it stays, nothing else is read. */
  readonly sentinel?: string;
  readonly limitBytes?: number;
  /** Opens the store; the default is the service. */
  readonly open?: () => Promise<ConfigurationStore>;
}

/** The keys of an App Configuration store that begin with a prefix, read again when the sentinel changes. */
export function appConfigurationSource({
  connection,
  label,
  prefix = "Warm:",
  sentinel = "Warm:Sentinel",
  limitBytes = DEFAULT_LIMIT_BYTES,
  open = () => openStore(connection, isNoLabel(label) ? undefined : label),
}: AppConfigurationSourceOptions): DocumentSource<readonly SettingEntry[]> {
  let store: Promise<ConfigurationStore> | undefined;
  return {
    kind: "appConfiguration",
    async load(knownVersion, signal) {
      store ??= open();
      store.catch(() => {
        store = undefined;
      });
      try {
        const opened = await store;
        // Before the keys: what changes while they are read has a later sentinel, and is read again.
        const mark = await opened.versionOf(sentinel, signal);
        if (mark !== undefined && mark === knownVersion) return { changed: false };
        const content = await collect(opened.list(`${prefix}*`, signal), limitBytes);
        const version = mark ?? contentVersion(JSON.stringify(content));
        return version === knownVersion ? { changed: false } : { changed: true, content, version };
      } catch (cause) {
        if (cause instanceof DocumentError || signal.aborted) throw cause;
        const status =
          cause instanceof Error && "statusCode" in cause ? ` (${cause.statusCode})` : "";
        throw new DocumentError(`App Configuration cannot be read${status}`, { cause });
      }
    },
  };
}

// The spellings of "no label" that the original takes.
const isNoLabel = (label: string | undefined): boolean =>
  label === undefined || ["", "\0", "\\0"].includes(label);

async function collect(
  settings: AsyncIterable<SettingEntry>,
  limitBytes: number,
): Promise<readonly SettingEntry[]> {
  const entries: SettingEntry[] = [];
  let sizeBytes = 0;
  for await (const { key, value } of settings) {
    sizeBytes += key.length + value.length;
    if (sizeBytes > limitBytes) throw tooLarge(limitBytes);
    entries.push({ key, value });
  }
  return entries;
}

async function openStore(
  connection: AppConfigurationConnection,
  label: string | undefined,
): Promise<ConfigurationStore> {
  const client = await openClient(connection);
  return {
    async versionOf(key, signal) {
      try {
        const id = label === undefined ? { key } : { key, label };
        const setting = await client.getConfigurationSetting(id, { abortSignal: signal });
        return setting.etag ?? setting.value;
      } catch (error) {
        if (error instanceof Error && "statusCode" in error && error.statusCode === 404) {
          return undefined;
        }
        throw error;
      }
    },
    async *list(keyFilter, signal) {
      // "\0" stands for "without a label"; no filter at all would mix the keys of every label.
      const labelFilter = label ?? "\0";
      const options = { keyFilter, labelFilter, abortSignal: signal };
      for await (const { key, value } of client.listConfigurationSettings(options)) {
        yield { key, value: value ?? "" };
      }
    },
  };
}

// A document is loaded again soon after a failure; more tries inside one load would only delay that.
const CLIENT_OPTIONS = { retryOptions: { maxRetries: 1 } };

async function openClient(connection: AppConfigurationConnection) {
  const { AppConfigurationClient } = await import("@azure/app-configuration");
  if (connection.kind === "connectionString") {
    const { connectionString } = connection;
    return new AppConfigurationClient(connectionString, {
      ...CLIENT_OPTIONS,
      // An emulator speaks http; the client refuses that unless told.
      allowInsecureConnection: /Endpoint=http:/i.test(connectionString),
    });
  }
  const { clientId, endpoint } = connection;
  const credential = await identityCredential(clientId);
  return new AppConfigurationClient(endpoint, credential, CLIENT_OPTIONS);
}
