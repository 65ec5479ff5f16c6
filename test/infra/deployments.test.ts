import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { APP_NODE_OPTIONS } from "../../local/child-service.ts";
import { SETTING_NAMES, shippedLanes } from "../../shared/config/index.ts";
import { findBicep } from "../support/bicep-cli.ts";
import {
  DEPLOYMENTS,
  type Resource,
  readSnapshot,
  resourcesOf,
  SNAPSHOT_NAMES,
  sourcesDigest,
  takeSnapshot,
} from "../support/infra-snapshot.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const readJson = (path: string) => JSON.parse(readFileSync(join(ROOT, path), "utf8"));
const HOW_TO_RENEW = "infra/ was changed: run `npm run snapshots` with the Bicep CLI on the PATH";
const EXPANSION_MS = 300_000;

const names = Object.keys(DEPLOYMENTS);
const lastName = ({ name }: Resource): string => name.split("/").at(-1) ?? "";
const appsOf = (deployment: string): Resource[] => resourcesOf(deployment, "Microsoft.Web/sites");
const service = ({ tags }: Resource): string => tags?.["azd-service-name"] ?? "";

function appSettings({ properties }: Resource): Map<string, string> {
  const { appSettings } = properties["siteConfig"] as {
    appSettings: { name: string; value: string }[];
  };
  return new Map(appSettings.map(({ name, value }) => [name, value]));
}

describe("the expanded deployments", () => {
  it("are of the templates as they are", () => {
    for (const name of SNAPSHOT_NAMES)
      expect(readSnapshot(name).sources, HOW_TO_RENEW).toBe(sourcesDigest(name));
  });

  const cli = findBicep();
  it.skipIf(cli === undefined).each(SNAPSHOT_NAMES)(
    "are what the Bicep CLI makes of them: %s (skipped without the CLI)",
    (name) => expect(takeSnapshot(cli ?? "", name)).toEqual(readSnapshot(name)),
    EXPANSION_MS,
  );
});

describe.each(names)("the deployment %s", (name) => {
  it("has every queue that the lanes document names, as the code needs it, and no other", () => {
    const { lanes, replies, webhooks, submissions } = readJson("infra/lanes.json");
    const queues = new Map(
      resourcesOf(name, "Microsoft.ServiceBus/namespaces/queues").map((queue) => [
        lastName(queue),
        queue.properties,
      ]),
    );
    const laneQueues: string[] = shippedLanes().lanes.flatMap((lane) => [
      lane.queue,
      lane.overQueue,
    ]);
    const others = [replies.queue, webhooks.queue, submissions.queue];
    expect([...queues.keys()].sort()).toEqual([...laneQueues, ...others].sort());
    // A request is sent again when its sender did not hear that it was taken.
    for (const queue of [...laneQueues, webhooks.queue, submissions.queue]) {
      expect(queues.get(queue)).toMatchObject({ requiresDuplicateDetection: true });
      expect(queues.get(queue)).not.toHaveProperty("requiresSession");
    }
    for (const lane of lanes) {
      const { lockDuration, maxDeliveryCount } = lane;
      for (const queue of [lane.queue, lane.overQueue])
        expect(queues.get(queue)).toMatchObject({ lockDuration, maxDeliveryCount });
    }
    // An instance takes the replies to its own callers alone.
    expect(queues.get(replies.queue)).toMatchObject({ requiresSession: true });
    // Whoever sent it waits for it, and is told of a dead letter.
    expect(queues.get(submissions.queue)).toMatchObject({ deadLetteringOnMessageExpiration: true });
  });

  it("has the topic of the jobs' states, each of which comes once", () => {
    const { topic, subscription } = shippedLanes().statusTopic;
    const topics = resourcesOf(name, "Microsoft.ServiceBus/namespaces/topics");
    expect(topics.map(lastName)).toEqual([topic]);
    expect(topics[0]?.properties).toMatchObject({ requiresDuplicateDetection: true });
    const all = resourcesOf(name, "Microsoft.ServiceBus/namespaces/topics/subscriptions");
    expect(all.map(lastName)).toEqual([subscription]);
  });

  it("has one app on one plan for each service of azd, with an identity of its own", () => {
    const apps = appsOf(name);
    expect(apps.map(service).sort()).toEqual(["jobs", "stream"]);
    expect(new Set(apps.map(({ properties }) => properties["serverFarmId"])).size).toBe(2);
    const identities = apps.map(({ identity }) =>
      Object.keys(identity?.["userAssignedIdentities"] ?? {}),
    );
    expect(identities.map(({ length }) => length)).toEqual([1, 1]);
    expect(new Set(identities.flat()).size).toBe(2);
    const plans = resourcesOf(name, "Microsoft.Web/serverfarms");
    expect(plans.map(({ sku }) => sku?.["name"])).toEqual(["FC1", "FC1"]);
  });

  it("tags the group and whatever can be tagged with azd's environment", () => {
    const withoutTags = readSnapshot(name)
      .predictedResources.filter(({ type, tags }) => isTopLevel(type) && !tags?.["azd-env-name"])
      .map(({ type }) => type);
    expect(withoutTags).toEqual([]);
  });

  it("gives each app the settings that its role and the gateway know, and none that Flex refuses", () => {
    const known = new Set([...SETTING_NAMES, ...PLATFORM_SETTINGS]);
    for (const app of appsOf(name)) {
      const settings = appSettings(app);
      expect(settings.get("GATEWAY_ROLE")).toBe(service(app));
      // What is measured here runs as what is deployed.
      expect(settings.get("NODE_OPTIONS")).toBe(APP_NODE_OPTIONS.join(" "));
      const unknown = [...settings.keys()].filter((key) => !known.has(key) && !isFreeName(key));
      expect(unknown).toEqual([]);
      expect(REFUSED_BY_FLEX.filter((key) => settings.has(key))).toEqual([]);
      expect(settings.has("AzureWebJobsStorage")).toBe(false);
      const speaksToBus = [...settings.keys()].some((key) =>
        key.startsWith("ServiceBusConnection"),
      );
      expect(speaksToBus).toBe(service(app) === "jobs");
    }
  });

  it("keeps ready what must not start cold: http for streams, Durable and the top lane for jobs", () => {
    const ready = new Map(appsOf(name).map((app) => [service(app), alwaysReady(app)]));
    expect(ready.get("stream")).toEqual(["http"]);
    const top = shippedLanes().lanes.toSorted((a, b) => a.priority - b.priority)[0];
    const letter = top?.name.slice(0, 1).toUpperCase();
    expect(ready.get("jobs")).toEqual(
      expect.arrayContaining(["durable", `function:lane${letter}${top?.name.slice(1)}`]),
    );
  });

  it("holds no key and no password, and tells none", () => {
    const { predictedResources, outputs } = readSnapshot(name);
    const text = JSON.stringify([predictedResources, outputs]);
    expect(text).not.toMatch(/list(?:Account)?(?:Keys|Sas|Secrets)|AccountKey=|SharedAccessKey=/i);
    expect(
      Object.keys(outputs).filter((key) => /key|secret|password|connection/i.test(key)),
    ).toEqual([]);
    const one = (type: string) => resourcesOf(name, type)[0]?.properties;
    expect(one("Microsoft.Storage/storageAccounts")).toMatchObject({
      allowSharedKeyAccess: false,
      allowBlobPublicAccess: false,
      minimumTlsVersion: "TLS1_2",
    });
    expect(one("Microsoft.ServiceBus/namespaces")).toMatchObject({ disableLocalAuth: true });
    expect(one("Microsoft.AppConfiguration/configurationStores")).toMatchObject({
      disableLocalAuth: true,
    });
    expect(one("Microsoft.Insights/components")).toMatchObject({ DisableLocalAuth: true });
    const passwords = resourcesOf(name, "Microsoft.Web/sites/basicPublishingCredentialsPolicies");
    expect(passwords.map(({ properties }) => properties["allow"])).toEqual(Array(4).fill(false));
    for (const { properties } of appsOf(name)) expect(properties["httpsOnly"]).toBe(true);
  });
});

const isTopLevel = (type: string): boolean =>
  type.split("/").length === 2 && type !== "Microsoft.Authorization/roleAssignments";

function alwaysReady({ properties }: Resource): string[] {
  const { scaleAndConcurrency } = properties["functionAppConfig"] as {
    scaleAndConcurrency: { alwaysReady: { name: string; instanceCount: number }[] };
  };
  return scaleAndConcurrency.alwaysReady.map(({ name }) => name);
}

const PLATFORM_SETTINGS = [
  ...["credential", "clientId", "blobServiceUri", "queueServiceUri", "tableServiceUri"].map(
    (part) => `AzureWebJobsStorage__${part}`,
  ),
  ...["credential", "clientId", "fullyQualifiedNamespace"].map(
    (part) => `ServiceBusConnection__${part}`,
  ),
  "APPLICATIONINSIGHTS_CONNECTION_STRING",
  "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
  "AZURE_CLIENT_ID",
  "AZURE_TOKEN_CREDENTIALS",
  "DURABLE_TASK_SCHEDULER",
  "NODE_OPTIONS",
];
/** Backends, and overrides of host.json. */
const isFreeName = (key: string): boolean =>
  /^(?:Host\d+|OAuthAudience)$|^AzureFunctionsJobHost__/.test(key);

const REFUSED_BY_FLEX = [
  "FUNCTIONS_WORKER_RUNTIME",
  "FUNCTIONS_EXTENSION_VERSION",
  "WEBSITE_RUN_FROM_PACKAGE",
  "SCM_DO_BUILD_DURING_DEPLOYMENT",
];

describe("the clouds", () => {
  it("differ in what has no name of the public cloud in Azure Government", () => {
    const text = JSON.stringify(readSnapshot("government"));
    const publicNames =
      /servicebus\.windows\.net|azurewebsites\.net|azconfig\.io|cognitiveservices\.azure\.com|core\.windows\.net/;
    expect(text).not.toMatch(publicNames);
    expect(text).toContain("privatelink.servicebus.usgovcloudapi.net");
    for (const app of appsOf("government")) {
      expect(appSettings(app).get("OAuthAudience")).toBe(
        "https://cognitiveservices.azure.us/.default",
      );
      expect(appSettings(app).get("GATEWAY_EVENTS_NAMESPACE_SUFFIX")).toBe(
        "servicebus.usgovcloudapi.net",
      );
    }
  });

  it("all say the same things", () => {
    const clouds = Object.values<object>(readJson("infra/clouds.json"));
    for (const cloud of clouds) expect(Object.keys(cloud)).toEqual(Object.keys(clouds[0] ?? {}));
  });
});
