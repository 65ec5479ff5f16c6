import { app, type HttpResponseInit } from "@azure/functions";
import { readinessProblems } from "../shared/gateway/index.ts";
import type { AppContext } from "./app-context.ts";

type Problems = () => readonly string[];

/** The original's probe endpoints. They answer from memory: a probe must never wait for traffic. */
export function registerHealth({ owned }: AppContext): void {
  const unusable: Problems = () => readinessProblems(owned.services);
  const none: Problems = () => [];
  register("health", none);
  register("liveness", none);
  register("readiness", unusable);
  register("startup", unusable);
}

function register(name: string, problems: Problems): void {
  app.http(name, {
    route: name,
    methods: ["GET", "HEAD"],
    authLevel: "anonymous",
    handler: async () => answer(problems()),
  });
}

/** Reasons are words of our own: nobody has to show who they are here. */
function answer(problems: readonly string[]): HttpResponseInit {
  return {
    status: problems.length === 0 ? 200 : 503,
    headers: { "content-type": "text/plain", "cache-control": "no-cache" },
    body: problems.length === 0 ? "OK\n" : `Not Healthy. ${problems.join(", ")}\n`,
  };
}
