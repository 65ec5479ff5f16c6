import type { Route } from "./call.ts";
import { control, raiseEvent, refuseRewind, restart } from "./control.ts";
import { readEntity, refuseEntityList, signalEntity } from "./entities.ts";
import { getStatus, listInstances } from "./instances.ts";
import { startOrchestrator } from "./orchestrators.ts";
import { purgeInstance, purgeInstances } from "./purge.ts";

/** `*` stands for one segment of any text; all else is compared without regard to case. */
const ROUTES: readonly [pattern: string, route: Route][] = [
  ["POST orchestrators/*", startOrchestrator],
  ["POST orchestrators/*/*", startOrchestrator],
  ["GET instances", listInstances],
  ["DELETE instances", purgeInstances],
  ["GET instances/*", getStatus],
  ["DELETE instances/*", purgeInstance],
  ["POST instances/*/raiseevent/*", raiseEvent],
  ["POST instances/*/terminate", control("ExecutionTerminated")],
  ["POST instances/*/suspend", control("ExecutionSuspended")],
  ["POST instances/*/resume", control("ExecutionResumed")],
  ["POST instances/*/restart", restart],
  ["POST instances/*/rewind", refuseRewind],
  ["GET entities", refuseEntityList],
  ["GET entities/*", refuseEntityList],
  ["GET entities/*/*", readEntity],
  ["POST entities/*/*", signalEntity],
];

/** The route that serves a method and path segments, if there is one. */
export function findRoute(method: string, segments: readonly string[]): Route | undefined {
  const wanted = [method, ...segments];
  return ROUTES.find(([pattern]) => {
    const parts = pattern.split(/[ /]/);
    return (
      parts.length === wanted.length &&
      parts.every((part, at) => part === "*" || part.toLowerCase() === wanted[at]?.toLowerCase())
    );
  })?.[1];
}
