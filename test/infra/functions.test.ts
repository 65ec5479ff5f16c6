import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { shippedLanes } from "../../shared/config/index.ts";
import { OWN_RESOURCES } from "../../shared/gateway/own-resources.ts";
import { type AppFunction, type Binding, functionsOfRole } from "../support/functions-of-role.ts";
import { DEPLOYMENTS, resourcesOf } from "../support/infra-snapshot.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const stream = functionsOfRole("stream");
const jobs = functionsOfRole("jobs");

const bindingsOf = (functions: readonly AppFunction[]): Binding[] =>
  functions.flatMap(({ bindings }) => bindings);
const kinds = (functions: readonly AppFunction[]): string[] =>
  [...new Set(bindingsOf(functions).map(({ type }) => type))].sort();
const routes = (functions: readonly AppFunction[]): string[] =>
  bindingsOf(functions)
    .filter(({ type }) => type === "httpTrigger")
    .map(({ methods, route }) => `${methods} ${route}`)
    .sort();

describe("the functions of the built bundle", () => {
  it("use in the role stream nothing that its identity may not reach", () => {
    const { apps } = JSON.parse(readFileSync(join(ROOT, "infra", "roles.json"), "utf8"));
    expect([apps.stream.serviceBus, apps.stream.scheduler]).toEqual([{}, {}]);
    expect(kinds(stream)).toEqual(["http", "httpTrigger", "timerTrigger"]);
  });

  it("use in the role jobs all that its identity may reach", () => {
    expect(kinds(jobs)).toEqual(
      [
        ...["activityTrigger", "durableClient", "http", "httpTrigger", "orchestrationTrigger"],
        ...["queueTrigger", "serviceBusTrigger", "timerTrigger"],
      ].sort(),
    );
  });

  it("answer the same routes in both roles: what one app cannot do never goes on to a backend", () => {
    expect(routes(stream)).toEqual(routes(jobs));
    expect(routes(stream)).toContain("GET jobs/{id}");
  });

  it("are the only ones that take what is the gateway's own, by any method that it supports", () => {
    const own = Object.entries(OWN_RESOURCES).flatMap(([route, methods]) =>
      methods.split(", ").map((method) => `${method} ${route}`),
    );
    // Anybody's until somebody may read them (metrics), and probes, which the original leaves open.
    const isElsewhere = (route: string): boolean =>
      / (?:\{\*path\}|metrics|health|liveness|readiness|startup)$/.test(route);
    expect(routes(jobs).filter((route) => !isElsewhere(route))).toEqual(own.sort());
  });

  it("ask all but the probes and the page, which tell nothing, for a key where callers show one", () => {
    const open = functionsOfRole("jobs", {
      GATEWAY_AUTHENTICATION: "function-key",
      GATEWAY_METRICS: "prometheus",
    })
      .filter(({ bindings }) => bindings.some(({ authLevel }) => authLevel === "anonymous"))
      .map(({ name }) => name);
    expect(open.sort()).toEqual(["health", "liveness", "operationsPage", "readiness", "startup"]);
  });

  it("serve every queue of the lanes document that is not read otherwise", () => {
    const { lanes, webhooks, submissions } = shippedLanes();
    const served = bindingsOf(jobs)
      .filter(({ type }) => type === "serviceBusTrigger")
      .map(({ queueName }) => queueName);
    const queues = lanes.flatMap(({ queue, overQueue }) => [queue, overQueue]);
    expect(served.sort()).toEqual([...queues, webhooks.queue, submissions.queue].sort());
  });

  it.each(Object.keys(DEPLOYMENTS))("are there where %s keeps one always ready", (deployment) => {
    const names = new Set(jobs.map(({ name }) => `function:${name}`));
    for (const { tags, properties } of resourcesOf(deployment, "Microsoft.Web/sites")) {
      const kept = JSON.stringify(properties["functionAppConfig"]).match(/function:\w+/g) ?? [];
      expect(kept.filter((name) => !names.has(name))).toEqual([]);
      expect(kept.length > 0).toBe(tags?.["azd-service-name"] === "jobs");
    }
  });
});
