import { describe, expect, it, onTestFinished, vi } from "vitest";
import { deployedSettings } from "../../local/setup/deployed-settings.ts";
import { loadConnections, loadSettings } from "../../shared/config/index.ts";
import { identityCredential } from "../../shared/connections/index.ts";
import { DEPLOYMENTS, type Resource, resourcesOf } from "../support/infra-snapshot.ts";

const names = Object.keys(DEPLOYMENTS);
const APPS = names.flatMap((name) => ["stream", "jobs"].map((app) => [name, app] as const));

// What only Azure knows: addresses and ids that are not made yet.
const LATER = /^\[.*\]$/;
const REFERENCE = /^@Microsoft\.KeyVault\(/;

/** What an app finds in its environment: its settings, and what the platform adds. */
function environmentOf(deployment: string, app: string): Record<string, string> {
  const { properties } = appOf(deployment, app);
  const { appSettings } = properties["siteConfig"] as {
    appSettings: { name: string; value: string }[];
  };
  const values = appSettings.map(({ name, value }) => [name, seen(value)]);
  return { WEBSITE_SITE_NAME: app, ...Object.fromEntries(values) };
}

function seen(value: string): string {
  if (LATER.test(value)) return "https://known-later.example";
  return REFERENCE.test(value) ? "a-secret" : value;
}

function appOf(deployment: string, app: string): Resource {
  const found = resourcesOf(deployment, "Microsoft.Web/sites").find(
    ({ tags }) => tags?.["azd-service-name"] === app,
  );
  if (!found) throw new Error(`${deployment} has no app ${app}.`);
  return found;
}

function httpConcurrency({ properties }: Resource): number {
  const { scaleAndConcurrency } = properties["functionAppConfig"] as {
    scaleAndConcurrency: { triggers: { http: { perInstanceConcurrency: number } } };
  };
  return scaleAndConcurrency.triggers.http.perInstanceConcurrency;
}

describe("what a deployment sets in its apps", () => {
  it.each(APPS)("lets the gateway start: %s, %s", (deployment, app) => {
    const env = environmentOf(deployment, app);
    const settings = loadSettings(env);
    expect(settings.role).toBe(app);
    expect(settings.authentication.ways.has("anonymous")).toBe(false);
    const { storage, messaging } = loadConnections(env);
    expect(storage).toMatchObject({ kind: "identity", clientId: expect.any(String) });
    expect(messaging?.kind).toBe(app === "jobs" ? "identity" : undefined);
  });

  it.each(APPS)("lets an instance call for all that the platform sends it: %s, %s", (...where) => {
    const { workers } = loadSettings(environmentOf(...where));
    // What is said by hand counts.
    const wanted = where[0] === "performance" ? 64 : httpConcurrency(appOf(...where));
    expect(workers).toBe(wanted);
  });

  it.each(names)("is what setup looks at before: %s", (name) => {
    const said = deployedSettings(new Map(Object.entries(DEPLOYMENTS[name] ?? {})));
    // The tenant is known only where somebody has signed in.
    const { GATEWAY_AUTH_TENANTS: _, ...known } = said;
    const { WEBSITE_SITE_NAME, ...env } = environmentOf(name, "stream");
    expect({ ...env, WEBSITE_SITE_NAME: "app" }).toMatchObject(known);
  });

  it("names callers, and who speaks for them, where they come with tokens", () => {
    const { authentication } = loadSettings(environmentOf("performance", "stream"));
    expect([...authentication.ways]).toEqual(["entra"]);
    expect(authentication.audiences).toEqual(["api://gateway"]);
    expect([...(authentication.apps ?? [])]).toEqual(["00000000-0000-0000-0000-000000000003"]);
    expect([...authentication.trustedCallers]).toEqual(["00000000-0000-0000-0000-000000000004"]);
  });

  it.each(APPS)("reads secrets with the app's own identity: %s, %s", (...where) => {
    const { properties, identity } = appOf(...where);
    const [own] = Object.keys(identity?.["userAssignedIdentities"] ?? {});
    expect(own).toContain(`/id-${where[1]}-`);
    expect(properties["keyVaultReferenceIdentity"]).toBe(own);
  });

  it.each(APPS)(
    "tries no developer's sign-in where the identity fails: %s, %s",
    async (...where) => {
      const chosen = environmentOf(...where)["AZURE_TOKEN_CREDENTIALS"];
      expect(chosen).toBe("prod");
      vi.stubEnv("AZURE_TOKEN_CREDENTIALS", chosen);
      onTestFinished(() => void vi.unstubAllEnvs());
      // The library throws for a word that it does not know.
      expect(await identityCredential(`identity of ${where.join()}`)).toHaveProperty("getToken");
    },
  );

  it.each(names)("looks at quiet queues of Durable every other second, on storage: %s", (name) => {
    const env = environmentOf(name, "jobs");
    const usesScheduler = resourcesOf(name, "Microsoft.DurableTask/schedulers").length > 0;
    const provider = "AzureFunctionsJobHost__extensions__durableTask__storageProvider__";
    const said = Object.entries(env).filter(([key]) => key.startsWith(provider));
    expect(Object.fromEntries(said)).toEqual(
      usesScheduler
        ? {
            [`${provider}type`]: "azureManaged",
            [`${provider}connectionStringName`]: "DURABLE_TASK_SCHEDULER",
          }
        : { [`${provider}maxQueuePollingInterval`]: "00:00:02" },
    );
    expect(env["DURABLE_TASK_SCHEDULER"] !== undefined).toBe(usesScheduler);
  });

  it.each(names)(
    "leaves how versions are replaced to the platform, unless it is said: %s",
    (name) => {
      const { properties } = appOf(name, "stream");
      expect(properties["functionAppConfig"] as object).toEqual(
        name === "performance"
          ? expect.objectContaining({ siteUpdateStrategy: { type: "RollingUpdate" } })
          : expect.not.objectContaining({ siteUpdateStrategy: expect.anything() }),
      );
    },
  );
});
