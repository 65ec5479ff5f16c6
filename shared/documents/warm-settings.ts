/** The original's settings that may change at run time, with their key paths in App Configuration. */
const KEY_PATH_BY_WARM_SETTING: Readonly<Record<string, string>> = {
  AsyncClientConfigFieldName: "Async:ClientConfigFieldName",
  AsyncClientRequestHeader: "Request:Headers:AsyncMode",
  AsyncTimeout: "Async:Timeout",
  AsyncTriggerTimeout: "Async:TriggerTimeout",
  AsyncTTLSecs: "Async:TTLSecs",
  CBErrorThreshold: "CircuitBreaker:ErrorThreshold",
  CBTimeslice: "CircuitBreaker:Timeslice",
  HealthProbeSidecar: "HealthProbe:Sidecar",
  IterationMode: "LoadBalancing:IterationMode",
  LoadBalanceMode: "LoadBalancing:Mode",
  MaxAttempts: "LoadBalancing:MultiPass:MaxAttempts",
  LogAllRequestHeaders: "Logging:LogAllRequestHeaders",
  LogAllRequestHeadersExcept: "Logging:LogAllRequestHeadersExcept",
  LogAllResponseHeaders: "Logging:LogAllResponseHeaders",
  LogAllResponseHeadersExcept: "Logging:LogAllResponseHeadersExcept",
  LogHeaders: "Logging:LogHeaders",
  LogToAI: "Logging:LogToAI",
  LogToConsole: "Logging:LogToConsole",
  LogToEvents: "Logging:LogToEvents",
  ValidateAuthAppIDUrl: "Profiles:Auth:ConfigUrl",
  ValidateAuthAppID: "Profiles:Auth:ValidateAppIDEnabled",
  ValidateAuthAppIDHeader: "Profiles:Auth:ValidateAppIDHeader",
  ValidateAuthAppFieldName: "Profiles:Auth:ValidateFieldName",
  SuspendedUserConfigUrl: "Profiles:SuspendedUser:ConfigUrl",
  UserConfigRequired: "Profiles:User:ConfigRequired",
  UserIDFieldName: "Profiles:User:IDFieldName",
  UserProfileHeader: "Profiles:User:ProfileHeader",
  UseProfiles: "Profiles:User:UseProfiles",
  UserConfigUrl: "Profiles:User:UserConfigUrl",
  Timeout: "Request:DefaultTimeout",
  DefaultTTLSecs: "Request:DefaultTTLSecs",
  DependancyHeaders: "Request:DependancyHeaders",
  DisallowedHeaders: "Request:DisallowedHeaders",
  PriorityKeyHeader: "Request:Headers:PriorityKeyHeader",
  TimeoutHeader: "Request:Headers:TimeoutHeader",
  TTLHeader: "Request:Headers:TTLHeader",
  UniqueUserHeaders: "Request:Headers:UniqueUserHeaders",
  ValidateHeaders: "Request:Headers:ValidateHeaders",
  DefaultPriority: "Request:Priority:DefaultPriority",
  UserPriorityThreshold: "Request:Priority:GreedyUserThreshold",
  PriorityKeys: "Request:Priority:PriorityKeys",
  PriorityValues: "Request:Priority:PriorityValues",
  RequiredHeaders: "Request:RequiredHeaders",
  StripRequestHeaders: "Request:StripRequestHeaders",
  AcceptableStatusCodes: "Response:AcceptableStatusCodes",
  StripResponseHeaders: "Response:StripResponseHeaders",
};

/** Names of the settings that may change at run time, besides the hosts. */
export const WARM_SETTINGS: readonly string[] = Object.keys(KEY_PATH_BY_WARM_SETTING);

// Keys compare without regard to case, as in the original.
const NAME_BY_KEY = new Map(
  Object.entries(KEY_PATH_BY_WARM_SETTING).flatMap(([name, keyPath]) => [
    [name.toLowerCase(), name] as const,
    [keyPath.toLowerCase(), name] as const,
  ]),
);

const HOST_SETTING_BY_PREFIX = new Map([
  ["host", "Host"],
  ["ip", "IP"],
  ["probe_path", "Probe_path"],
]);

const HOST_KEY = /^(host|ip|probe_path)([1-9]\d{0,3})$/i;

/** Whether a setting describes a backend (`Host1`, `IP1`, `Probe_path1`). */
export const isHostSetting = (name: string): boolean => HOST_KEY.test(name);

/** The setting that a key names, by its key path or its own name; undefined when it is not warm. */
export function warmSettingOf(key: string): string | undefined {
  const [, prefix, number] = HOST_KEY.exec(key) ?? [];
  if (prefix === undefined) return NAME_BY_KEY.get(key.toLowerCase());
  return `${HOST_SETTING_BY_PREFIX.get(prefix.toLowerCase())}${number}`;
}
