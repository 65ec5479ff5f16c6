import type { TokenSource } from "../backends/index.ts";
import {
  currentEnvironment,
  loadSettings,
  type Settings,
  SettingsError,
  type StorageConnection,
} from "../config/index.ts";
import type { Clock } from "../core/clock.ts";
import type { Random } from "../core/domain.ts";
import {
  appConfigurationSource,
  type DocumentReader,
  documentReader,
  LiveDocument,
  type Presence,
  parseDocumentLocation,
  parseHotSettings,
  sourceAt,
} from "../documents/index.ts";
import {
  type IdList,
  type ProfileDirectory,
  parseAppIds,
  parseProfilesInSteps,
  parseSuspendedUsers,
} from "../identity/index.ts";
import type { Emit } from "../telemetry/index.ts";

export interface PolicyDocumentsOptions {
  readonly settings: Settings;
  readonly storage: StorageConnection | undefined;
  readonly tokens: TokenSource;
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

/** The documents that the settings name; those that they do not name are absent. */
export interface PolicyDocuments {
  readonly profiles?: LiveDocument<ProfileDirectory>;
  readonly suspendedUsers?: LiveDocument<IdList>;
  readonly appIds?: LiveDocument<IdList>;
  readonly settings?: LiveDocument<Settings>;
}

// Who decides must be there: without the list of the suspended, nobody could be told apart.
const REQUIRED = { required: true } as const;

/** Makes the documents. Nothing is loaded before they are started. */
export function openPolicyDocuments(options: PolicyDocumentsOptions): PolicyDocuments {
  const { settings } = options;
  const { policy } = settings;
  const { idField, asyncField, appIdField } = policy;
  const live = liveDocuments(options);
  const at = (url: string | undefined, keyField: string) =>
    url === undefined ? undefined : contentAt(options, url, keyField);
  const profiles = policy.useProfiles ? at(policy.profilesUrl, idField) : undefined;
  const suspended = at(policy.suspendedUrl, idField);
  const appIds = policy.validateAppId ? at(policy.appIdsUrl, appIdField) : undefined;
  const hot = hotSettingsReader(options);
  return {
    ...(profiles && {
      profiles: live(
        "profiles",
        documentReader(profiles, (text) => parseProfilesInSteps(text, { idField, asyncField })),
        REQUIRED,
      ),
    }),
    ...(suspended && {
      suspendedUsers: live(
        "suspendedUsers",
        documentReader(suspended, (text) => parseSuspendedUsers(text, idField)),
        REQUIRED,
      ),
    }),
    ...(appIds && {
      appIds: live(
        "appIds",
        documentReader(appIds, (text) => parseAppIds(text, appIdField)),
        REQUIRED,
      ),
    }),
    ...(hot && { settings: live("settings", hot, { required: false, initial: settings }) }),
  };
}

function contentAt(
  { settings, storage, tokens }: PolicyDocumentsOptions,
  url: string,
  keyField: string,
) {
  const scope = settings.policy.tokenScope;
  const token = (wanted: string, signal: AbortSignal) => tokens.token(wanted, signal);
  const identity = scope === undefined || !url.startsWith("https:") ? undefined : { scope, token };
  const location = parseDocumentLocation(url);
  if (!location) throw new SettingsError([`"${url}" is not the place of a document`]);
  return sourceAt(location, { connection: storage, keyField, identity });
}

function hotSettingsReader(options: PolicyDocumentsOptions): DocumentReader<Settings> | undefined {
  const { hotSettingsUrl, appConfiguration } = options.settings.policy;
  const hot = { base: currentEnvironment(), parse: loadSettings };
  if (appConfiguration) {
    const { label } = appConfiguration;
    const connection =
      "endpoint" in appConfiguration
        ? { kind: "identity" as const, endpoint: appConfiguration.endpoint, clientId: undefined }
        : {
            kind: "connectionString" as const,
            connectionString: appConfiguration.connectionString,
          };
    return documentReader(appConfigurationSource({ connection, label }), (entries) =>
      parseHotSettings(entries, hot),
    );
  }
  if (hotSettingsUrl === undefined) return undefined;
  return documentReader(contentAt(options, hotSettingsUrl, "key"), (content) =>
    parseHotSettings(content, hot),
  );
}

function liveDocuments({ settings, clock, random, emit, signal }: PolicyDocumentsOptions) {
  const { refreshIntervalMs, hotSettingsIntervalMs, loadDeadlineMs } = settings.policy;
  return <Value>(
    name: string,
    reader: DocumentReader<Value>,
    presence: Presence<Value>,
  ): LiveDocument<Value> =>
    new LiveDocument({
      name,
      reader,
      presence,
      clock,
      random,
      emit,
      signal,
      intervalMs: name === "settings" ? hotSettingsIntervalMs : refreshIntervalMs,
      deadlineMs: loadDeadlineMs,
    });
}
