import { parseArgs } from "node:util";
import type { BackendOrder } from "./orders.ts";
import { TARGET_NAMES, type TargetName } from "./targets.ts";

/** One kind of load, laid on every target in turn. */
export interface Scenario {
  readonly part: "json" | "sse" | "events";
  readonly title: string;
  readonly answer: BackendOrder;
  readonly connections: number;
  readonly durationMs: number;
  readonly rounds: number;
}

/** What a run of the bench is to do. */
export interface Plan {
  readonly targets: readonly TargetName[];
  readonly scenarios: readonly Scenario[];
}

const EVENTS = 50;

export const USAGE = `npm run bench -- [--part json,sse,events] [--target gateway,portkey] [--rounds 5] [--ms 1500]`;

/** Reads the options of `npm run bench`; throws with the usage where they make no sense. */
export function readPlan(args: readonly string[]): Plan {
  const { values } = parseArgs({
    args: [...args],
    options: {
      part: { type: "string", default: "json,sse,events" },
      target: { type: "string", default: TARGET_NAMES.join(",") },
      rounds: { type: "string", default: "5" },
      ms: { type: "string", default: "1500" },
    },
  });
  const parts = values.part.split(",");
  const wanted = values.target.split(",");
  const unknown = wanted.filter((name) => !TARGET_NAMES.some((known) => known === name));
  const scenarios = scenariosOf(Number(values.rounds), Number(values.ms));
  const chosen = scenarios.filter(({ part }) => parts.includes(part));
  if (unknown.length > 0 || chosen.length === 0) throw new Error(USAGE);
  // Without the bare backend nothing could be said of what is added.
  return {
    targets: TARGET_NAMES.filter((name) => name === "backend" || wanted.includes(name)),
    scenarios: chosen,
  };
}

function scenariosOf(rounds: number, durationMs: number): Scenario[] {
  const json = { part: "json", answer: {}, durationMs, rounds } as const;
  const sse = { part: "sse", answer: { events: EVENTS }, durationMs, rounds } as const;
  const paced = { part: "events", durationMs: 0, rounds } as const;
  return [
    { ...json, title: "1 KB of JSON, 1 connection", connections: 1 },
    { ...json, title: "1 KB of JSON, 32 connections", connections: 32 },
    { ...sse, title: "50 events at once, 1 connection", connections: 1 },
    { ...sse, title: "50 events at once, 32 connections", connections: 32 },
    {
      ...paced,
      title: "100 streams, an event every 50 ms",
      connections: 100,
      answer: { events: EVENTS, intervalMs: 50 },
    },
    {
      ...paced,
      rounds: 1,
      title: "1,000 streams, an event every 250 ms",
      connections: 1000,
      answer: { events: EVENTS, intervalMs: 250 },
    },
  ];
}
