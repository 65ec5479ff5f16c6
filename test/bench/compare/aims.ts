import type { Round } from "./measure.ts";
import { type Measured, median, roundsOf, type Value } from "./report.ts";
import type { TargetName } from "./targets.ts";

/** What the gateway's transport is meant to reach, beside what was measured. */
export interface Aim {
  readonly name: string;
  readonly value: number;
  readonly bound: number;
  readonly isReached: boolean;
}

const PORTKEY_FACTOR = 3;
const PORTKEY_ADDED_PART = 0.5;
const BARE_PROXY_PART = 0.6;
const ADDED_EVENT_P99_MS = 10;
const STREAMS_RESIDENT_MB = 400;
// Streams send four events a second; one that says nothing for so long has stalled.
const STALL_MS = 5000;

/** Holds a scenario against the aims that concern it. What was not measured is left out. */
export function aimsOf(measured: Measured): Aim[] {
  const { scenario } = measured;
  const aims =
    scenario.part === "events"
      ? eventAims(measured)
      : scenario.connections === 1
        ? latencyAims(measured)
        : throughputAims(measured);
  return aims.filter(({ value }) => Number.isFinite(value));
}

function throughputAims(measured: Measured): Aim[] {
  const ratio = (other: TargetName): number => medianOf(measured, other, perSecondRatio);
  return [
    atLeast("throughput, times Portkey's", ratio("portkey"), PORTKEY_FACTOR),
    atLeast("throughput, times the bare proxy's", ratio("bare proxy"), BARE_PROXY_PART),
  ];
}

const perSecondRatio = (own: Round, other: Round): number => own.perSecond / other.perSecond;

function latencyAims(measured: Measured): Aim[] {
  const added = (name: TargetName): number => median(addedBy(measured, name, "p50"));
  return [
    atMost("added p50, times Portkey's", added("gateway") / added("portkey"), PORTKEY_ADDED_PART),
  ];
}

function eventAims(measured: Measured): Aim[] {
  const { connections } = measured.scenario;
  const own = roundsOf(measured, "gateway");
  if (own.length === 0) return [];
  const added = median(addedBy(measured, "gateway", "eventP99"));
  if (connections < 1000) return [atMost("added p99 of an event, ms", added, ADDED_EVENT_P99_MS)];
  const most = (value: Value): number => Math.max(...own.map((round) => round[value]));
  return [
    atMost("resident memory, MB", most("residentMb"), STREAMS_RESIDENT_MB),
    atMost("longest silence, ms", most("longestSilenceMs"), STALL_MS),
    atMost("streams that were not whole", most("failures"), 0),
  ];
}

/** What a target adds to the bare backend, round by round. */
function addedBy(measured: Measured, name: TargetName, value: Value): number[] {
  const bare = roundsOf(measured, "backend");
  return roundsOf(measured, name).map(
    (round, at) => round[value] - (bare[at]?.[value] ?? Number.NaN),
  );
}

/** The median of what neighbouring rounds of the gateway and another target give. */
function medianOf(
  measured: Measured,
  other: TargetName,
  compare: (own: Round, other: Round) => number,
): number {
  const others = roundsOf(measured, other);
  const values = roundsOf(measured, "gateway").flatMap((own, at) => {
    const neighbour = others[at];
    return neighbour ? [compare(own, neighbour)] : [];
  });
  return median(values);
}

const atLeast = (name: string, value: number, bound: number): Aim => ({
  name,
  value,
  bound,
  isReached: value >= bound,
});

const atMost = (name: string, value: number, bound: number): Aim => ({
  name,
  value,
  bound,
  isReached: value <= bound,
});
