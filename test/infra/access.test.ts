import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { USAGE_QUEUE } from "../../shared/gateway/index.ts";
import { DEPLOYMENTS, type Resource, resourcesOf } from "../support/infra-snapshot.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const readJson = (path: string) => JSON.parse(readFileSync(join(ROOT, path), "utf8"));
const names = Object.keys(DEPLOYMENTS);

describe("the roles of the apps", () => {
  const { definitions, apps } = readJson("infra/roles.json");
  const CASES = names.flatMap((name) => ["stream", "jobs"].map((app) => [name, app] as const));

  it.each(CASES)(
    "are in %s just those of the table for %s, on what the table says",
    (name, app) => {
      const wanted = Object.entries(apps[app] as Record<string, Record<string, string>>)
        .filter(([on]) => !ONLY_WHERE_NAMED.has(on) || isNamed(name, on))
        .flatMap(([on, roles]) => Object.keys(roles).map((role) => `${on}: ${role}`));
      const given = resourcesOf(name, "Microsoft.Authorization/roleAssignments")
        .filter(({ properties }) => String(properties["principalId"]).includes(`/id-${app}-`))
        .map((assignment) => `${scopeOf(assignment)}: ${roleOf(assignment, definitions)}`);
      expect(given.sort()).toEqual(wanted.sort());
    },
  );

  it("each say what of the code needs them, and are data roles", () => {
    for (const scopes of Object.values<Record<string, Record<string, string>>>(apps)) {
      for (const roles of Object.values(scopes)) {
        for (const [role, reason] of Object.entries(roles)) {
          expect(definitions).toHaveProperty([role]);
          expect(reason.length, role).toBeGreaterThan(20);
        }
      }
    }
    const broad = /^(?:Owner|Contributor|User Access Administrator)$|Service Bus Data Owner/;
    expect(Object.keys(definitions).filter((role) => broad.test(role))).toEqual([]);
    expect(Object.keys(apps.stream.serviceBus)).toEqual([]);
    // It puts down what was used, and reads and makes no queue.
    const ofQueues = Object.keys(apps.stream.storage).filter((role) => role.includes("Queue"));
    expect(ofQueues).toEqual(["Storage Queue Data Message Sender"]);
  });
});

/** What a deployment reaches only where it says so, and where that is seen. */
const ONLY_WHERE_NAMED = new Set(["scheduler", "models", "vaults"]);

function isNamed(deployment: string, what: string): boolean {
  const said = DEPLOYMENTS[deployment] ?? {};
  if (what === "models") return said["GATEWAY_MODEL_ACCOUNTS"] !== undefined;
  if (what === "vaults") return said["GATEWAY_KEY_VAULTS"] !== undefined;
  return resourcesOf(deployment, "Microsoft.DurableTask/schedulers").length > 0;
}

const SCOPES = {
  storageAccounts: "storage",
  namespaces: "serviceBus",
  components: "insights",
  configurationStores: "configuration",
  schedulers: "scheduler",
  accounts: "models",
  vaults: "vaults",
} as const;

function scopeOf({ id }: Resource): string {
  const kind = /providers\/[\w.]+\/(\w+)\//.exec(id)?.[1] ?? "";
  return SCOPES[kind as keyof typeof SCOPES] ?? kind;
}

function roleOf({ properties }: Resource, definitions: Record<string, string>): string {
  const id = String(properties["roleDefinitionId"]).split("/").at(-1);
  return Object.keys(definitions).find((role) => definitions[role] === id) ?? `unknown ${id}`;
}

it.each(names)("%s makes the queue to which the stream app may only send", (name) => {
  const queues = resourcesOf(name, "Microsoft.Storage/storageAccounts/queueServices/queues");
  expect(queues.map((queue) => queue.name.split("/").at(-1))).toEqual([USAGE_QUEUE]);
});

describe.each(["vnet", "government"])("the private deployment %s", (name) => {
  const PRIVATE = [
    "Microsoft.Web/sites",
    "Microsoft.Storage/storageAccounts",
    "Microsoft.ServiceBus/namespaces",
    "Microsoft.AppConfiguration/configurationStores",
  ];

  it("has nothing that the public network reaches", () => {
    for (const type of PRIVATE) {
      for (const { properties } of resourcesOf(name, type)) {
        expect(properties["publicNetworkAccess"], type).toBe("Disabled");
      }
    }
    const [storage] = resourcesOf(name, "Microsoft.Storage/storageAccounts");
    expect(storage?.properties["networkAcls"]).toMatchObject({ defaultAction: "Deny" });
  });

  it("reaches each of them through an endpoint with its zone", () => {
    const endpoints = resourcesOf(name, "Microsoft.Network/privateEndpoints");
    const groups = endpoints.flatMap(({ properties }) => groupsOf(properties));
    expect(groups.sort()).toEqual(
      [
        ...["azuremonitor", "blob", "configurationStores", "namespace"],
        ...["queue", "sites", "sites", "table"],
      ].sort(),
    );
    const groupsOfZones = resourcesOf(
      name,
      "Microsoft.Network/privateEndpoints/privateDnsZoneGroups",
    );
    expect(groupsOfZones).toHaveLength(endpoints.length);
    const zones = resourcesOf(name, "Microsoft.Network/privateDnsZones").map(({ name }) =>
      zoneIn(name),
    );
    const used = groupsOfZones.flatMap(({ properties }) => zonesOf(properties));
    expect([...new Set(used)].sort()).toEqual(zones.toSorted());
    const links = resourcesOf(name, "Microsoft.Network/privateDnsZones/virtualNetworkLinks");
    expect(links.map((link) => zoneIn(link.name)).sort()).toEqual(zones.toSorted());
  });

  it("takes telemetry from its own network alone, where the cloud has names for that", () => {
    for (const type of [
      "Microsoft.OperationalInsights/workspaces",
      "Microsoft.Insights/components",
    ]) {
      const [resource] = resourcesOf(name, type);
      expect(resource?.properties, type).toMatchObject({
        publicNetworkAccessForIngestion: "Disabled",
      });
    }
    const [scope] = resourcesOf(name, "Microsoft.Insights/privateLinkScopes");
    expect(scope?.properties["accessModeSettings"]).toMatchObject({
      ingestionAccessMode: "PrivateOnly",
    });
    const scoped = resourcesOf(name, "Microsoft.Insights/privateLinkScopes/scopedResources");
    const linked = scoped.map(({ properties }) => String(properties["linkedResourceId"]));
    expect(linked.map((id) => id.split("/").at(-2)).sort()).toEqual(["components", "workspaces"]);
  });

  it("sends each app through a subnet of its own, delegated to Flex Consumption", () => {
    const subnets = resourcesOf(name, "Microsoft.Web/sites").map(({ properties }) =>
      String(properties["virtualNetworkSubnetId"]),
    );
    expect(subnets.map((id) => id.split("/").at(-1)).sort()).toEqual(["jobs", "stream"]);
    const [network] = resourcesOf(name, "Microsoft.Network/virtualNetworks");
    expect(JSON.stringify(network?.properties).match(/Microsoft\.App\/environments/g)).toHaveLength(
      2,
    );
  });
});

function groupsOf(properties: Resource["properties"]): string[] {
  const connections = properties["privateLinkServiceConnections"] as {
    properties: { groupIds: string[] };
  }[];
  return connections.flatMap((connection) => connection.properties.groupIds);
}

function zonesOf(properties: Resource["properties"]): string[] {
  const configs = properties["privateDnsZoneConfigs"] as {
    properties: { privateDnsZoneId: string };
  }[];
  return configs.map((config) => zoneIn(config.properties.privateDnsZoneId));
}

/** A zone by its name, also where a part of that is known only in its cloud. */
const zoneIn = (text: string): string => /privatelink\.[\w.{}-]+/.exec(text)?.[0] ?? text;
