import { app, type HttpResponseInit } from "@azure/functions";
import type { AppContext } from "./app-context.ts";

/** The original's probe endpoints. They answer from memory: a probe must never wait for traffic. */
export function registerHealth({ owned }: AppContext): void {
  const { stopping, pool } = owned.services;
  const isUsable = (): boolean => !stopping.aborted && pool.activeHosts().length > 0;
  register("health", () => true);
  register("liveness", () => true);
  register("readiness", isUsable);
  register("startup", isUsable);
}

function register(name: string, isHealthy: () => boolean): void {
  app.http(name, {
    route: name,
    methods: ["GET", "HEAD"],
    authLevel: "anonymous",
    handler: async () => answer(isHealthy()),
  });
}

function answer(isHealthy: boolean): HttpResponseInit {
  return {
    status: isHealthy ? 200 : 503,
    headers: { "content-type": "text/plain", "cache-control": "no-cache" },
    body: isHealthy ? "OK\n" : "Not Healthy.\n",
  };
}
