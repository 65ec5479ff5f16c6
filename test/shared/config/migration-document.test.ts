import { describe, expect, it } from "vitest";
import { SETTING_NAMES } from "../../../shared/config/index.ts";
import { WARM_SETTINGS } from "../../../shared/documents/index.ts";
import { tableRows } from "../../support/markdown-table.ts";
import { settingsWith } from "../../support/settings.ts";

const VERDICTS = /^(?:same|renamed|superseded|not taken over)$/;
// Not the original's, though without the prefix of what is new.
const NEW = /^(?:GATEWAY_|OTEL_|APPLICATIONINSIGHTS_|OperatorKeys$)/;
// Read apart from the others.
const OF_HOSTS = /^(?:Host|Probe_path|IP)\d$|^OAuthAudience$/;

// Besides those of which the code knows, what version 2.2.10.7 reads (its `ConfigOption`s).
const OF_THE_ORIGINAL = `APPINSIGHTS_CONNECTIONSTRING AsyncBlobStorageAccountUri
  AsyncBlobStorageConfig AsyncBlobStorageConnectionString AsyncBlobStorageUseMI AsyncBlobWorkerCount
  AsyncClassNames AsyncModeEnabled AsyncSBConfig AsyncSBConnectionString AsyncSBNamespace
  AsyncSBQueue AsyncSBUseMI CONTAINER_APP_NAME CONTAINER_APP_REPLICA_NAME CONTAINER_APP_REVISION
  EnableMultipleHttp2Connections EVENTHUB_MAX_RECONNECT_ATTEMPTS EVENTHUB_STARTUP_SECONDS
  EVENT_HEADERS GC2InternalSecs Hostname Host1 IP1 KeepAliveIdleTimeoutSecs
  KeepAliveInitialDelaySecs KeepAlivePingIntervalSecs LOGDATETIME MultiConnIdleTimeoutSecs
  MultiConnLifetimeSecs MultiConnMaxConns OAuthAudience Port Probe_path1 RequestIDPrefix ReuseEvents
  SharedIteratorCleanupIntervalSeconds SharedIteratorTTLSeconds StorageDbContainerName
  StorageDbEnabled UseOAuth UseOAuthGov UserSoftDeleteTTLMinutes UseSharedIterators`.split(/\s+/);

const rows = tableRows("docs/migration.md").filter(([, verdict = ""]) => VERDICTS.test(verdict));
const settings = rows.flatMap(([names = "", verdict = "", remark = ""]) =>
  names
    .split(", ")
    .filter((name) => name !== "...")
    .map((name) => ({ name, verdict, remark })),
);

describe("docs/migration.md", () => {
  it("says what becomes of every setting of the original that is known here", () => {
    const own = SETTING_NAMES.filter((name) => !NEW.test(name));
    const known = [...own, ...WARM_SETTINGS, ...OF_THE_ORIGINAL];
    const listed = new Set(settings.map(({ name }) => name));
    expect(known.filter((name) => !listed.has(name))).toEqual([]);
    expect(listed.size).toBe(settings.length);
  });

  it("calls the same what is read, and nothing else", () => {
    const isRead = (name: string): boolean => SETTING_NAMES.includes(name) || OF_HOSTS.test(name);
    const wrong = settings.filter(({ name, verdict }) => isRead(name) !== (verdict === "same"));
    expect(wrong).toEqual([]);
  });

  it.each(
    settings.flatMap(({ name, remark }) =>
      [...remark.matchAll(/[Dd]efault (\d+)/g)].map(([, value]) => [name, value]),
    ),
  )("states the true default of %s", (name = "", value = "") => {
    expect(settingsWith({ [name]: value })).toEqual(settingsWith());
  });

  it("says truly what has no effect, as a start does", () => {
    const without = settings.filter(({ verdict }) => verdict !== "same").map(({ name }) => name);
    const set = Object.fromEntries(without.map((name) => [name, "x"]));
    const named = new Set(settingsWith(set).withoutEffect);
    expect(without.filter((name) => !named.has(name))).toEqual([
      ...["Hostname", "CONTAINER_APP_NAME", "CONTAINER_APP_REPLICA_NAME"],
      ...["CONTAINER_APP_REVISION", "Port"],
    ]);
  });

  it("names what supersedes or renames a setting", () => {
    const said = settings.filter(({ verdict }) => verdict !== "same");
    expect(said.filter(({ remark }) => remark === "")).toEqual([]);
  });
});
