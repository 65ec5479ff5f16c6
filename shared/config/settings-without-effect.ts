// What the original reads and this gateway does not; docs/migration.md says why of each. Not among them are
// names that a platform sets on its own account.
const OF_THE_ORIGINAL: ReadonlySet<string> = new Set(
  `APPENDHOSTSFILE APPINSIGHTS_CONNECTIONSTRING AcceptableStatusCodes AsyncBlobStorageAccountUri
  AsyncBlobStorageConfig AsyncBlobStorageConnectionString AsyncBlobStorageUseMI AsyncBlobWorkerCount
  AsyncClassNames AsyncModeEnabled AsyncSBConfig AsyncSBConnectionString AsyncSBNamespace AsyncSBQueue
  AsyncSBUseMI DependancyHeaders EVENTHUB_MAX_RECONNECT_ATTEMPTS EVENTHUB_STARTUP_SECONDS EVENT_HEADERS
  EnableMultipleHttp2Connections GC2InternalSecs HealthProbeSidecar KeepAliveIdleTimeoutSecs
  KeepAliveInitialDelaySecs KeepAlivePingIntervalSecs LOGDATETIME LogPoller LogProbes LogToAI LogToConsole
  MultiConnIdleTimeoutSecs MultiConnLifetimeSecs MultiConnMaxConns RequestIDPrefix ReuseEvents
  SharedIteratorCleanupIntervalSeconds SharedIteratorTTLSeconds StorageDbContainerName StorageDbEnabled
  TERMINATION_GRACE_PERIOD_SECONDS UseOAuth UseOAuthGov UseSharedIterators UserPriorityThreshold
  UserSoftDeleteTTLMinutes`.split(/\s+/),
);

const OWN = /^GATEWAY_(?!WEBHOOKS_SECRET_)/i;
const OF_HOSTS = /^(?:Host|Probe_path|IP)([1-9]\d*)$/;

/**
 * The names that are set and that nobody reads, as nothing else would tell: the original's that have no
 * effect here, mistyped ones of the gateway's own, those in another case, and hosts behind a gap.
 */
export function withoutEffect(
  env: Readonly<Record<string, string | undefined>>,
  settingNames: readonly string[],
  hostCount: number,
): readonly string[] {
  const nameInLowerCase = new Map(settingNames.map((name) => [name.toLowerCase(), name]));
  const isLost = (name: string): boolean => {
    const setting = nameInLowerCase.get(name.toLowerCase());
    // Where names have no case, the setting is there by its own name too.
    if (setting !== undefined) return !env[setting];
    const [, host] = OF_HOSTS.exec(name) ?? [];
    return OF_THE_ORIGINAL.has(name) || OWN.test(name) || Number(host) > hostCount;
  };
  return Object.keys(env)
    .filter((name) => env[name] && isLost(name))
    .sort();
}
