import { describe, expect, it } from "vitest";
import { loadConnections, SETTING_NAMES } from "../../../shared/config/index.ts";
import { tableRows } from "../../support/markdown-table.ts";
import { settingsWith } from "../../support/settings.ts";

const rows = tableRows("docs/settings.md");
const documented = rows.map(([name = ""]) => name);

describe("docs/settings.md", () => {
  it("has one row for each setting, and none for what is no setting", () => {
    const isElsewhere = (name: string): boolean =>
      /^(Host|Probe_path|IP\d|PORT$|LOCAL_|OAuthAudience$|[a-z]+=|ServiceBus|AzureWebJobs)/.test(
        name,
      );
    const gateway = documented.filter((name) => !isElsewhere(name));
    expect(gateway.toSorted()).toEqual(SETTING_NAMES.toSorted());
  });

  it.each(rows.filter(([name = ""]) => SETTING_NAMES.includes(name)))(
    "states the true default of %s",
    (name = "", value = "") => {
      const hasDefault = value !== "none" && value !== "by role";
      expect(settingsWith(hasDefault ? { [name]: value } : {})).toEqual(settingsWith());
    },
  );

  it("names the keys of a host as they are read", () => {
    const keys = documented.flatMap((name) =>
      [...name.matchAll(/([a-z]+)=/g)].map(([, key]) => key),
    );
    const samples: Record<string, string> = {
      mode: "direct",
      ipaddress: "10.0.0.1",
      host: "https://a.test",
      weight: "3",
      tier: "paygo",
      priorities: "1,2",
      maxconcurrency: "5",
      timeout: "1000",
      contextwindow: "128000",
      midstream: "verify",
    };
    const sampleOf = (key = ""): string =>
      /^(usemi|useoauth|stripprefix|retryafter)$/.test(key) ? "true" : (samples[key] ?? "x");
    const text = keys.map((key) => `${key}=${sampleOf(key)}`).join(";");
    expect(settingsWith({ Host1: text }).hosts).toHaveLength(1);
    expect(keys).toHaveLength(21);
  });

  it("names the settings of connections as they are read", () => {
    const names = documented.filter((name) => name.includes("__"));
    const { messaging, storage } = loadConnections(
      Object.fromEntries(names.map((name) => [name, `value of ${name}`])),
    );
    const read = [...Object.values(messaging ?? {}), ...Object.values(storage ?? {})];
    expect(read.filter((value) => value !== "identity").toSorted()).toEqual(
      names.map((name) => `value of ${name}`).toSorted(),
    );
  });

  it("lists the variables of the local stack", () => {
    for (const name of ["PORT", "LOCAL_DATA_DIR", "LOCAL_BROKER_PORT", "LOCAL_STORAGE_PORT"]) {
      expect(documented).toContain(name);
    }
  });
});
