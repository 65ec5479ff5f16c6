import { type Figure, jain, quantile } from "./figures.ts";
import { type PlannedArrival, planArrivals } from "./planned-arrivals.ts";
import { HEAVY, type HostRequest, pause, type ServedByHosts, TwoHosts } from "./two-hosts.ts";
import { seededRandom } from "./virtual-house.ts";

const WORKERS_EACH = 5;
const SLOTS = 2 * WORKERS_EACH;
const OTHERS = Array.from({ length: 10 }, (_, index) => `user${index + 1}`);
/** So many times as much as each of the others. */
const HEAVY_FACTOR = 100;
/** What each of the others keeps in line or in service in a full house: together four times the slots. */
const OUTSTANDING = 4;
const BUSY = 0.7;
const WARM_UP_MS = 8000;
/** Who is over their share is judged by ten service times. */
const LONG_WARM_UP_MS = 20_000;
/** What the heavy user leaves behind is gone by then. */
const QUIET_MS = 10_000;
/**
 * At 70 % load, calls are so long that ten slots make five a second of them: with many more, two hosts, their broker
 * and whoever sends share the processors, and it is those that are waited for.
 */
const LONG_SERVICE_MS = 2000;
const SERVICE_MS = 500;

/** How long each of a scene's two halves is played. */
export interface HostsTiming {
  readonly durationMs: number;
}

/** Alone, beside the heavy user for twice as long, and alone again: what else the machine does is in both. */
interface Interleaved {
  /** What the others do, in the first half of the time and in the second. */
  others(hosts: TwoHosts, half: 1 | 2): Promise<void>;
  heavy(hosts: TwoHosts, signal: AbortSignal): void;
}

const kind =
  (userId: string, options: { random: () => number; meanMs?: number; key?: string }) =>
  (): HostRequest => ({
    userId,
    key: options.key ?? "mid",
    serviceMs: 2 * (options.meanMs ?? SERVICE_MS) * options.random(),
  });

async function interleave(hosts: TwoHosts, { others, heavy }: Interleaved): Promise<void> {
  hosts.phase = "alone 1";
  await others(hosts, 1);
  const leaves = new AbortController();
  hosts.phase = "beside 1";
  heavy(hosts, leaves.signal);
  await others(hosts, 1);
  hosts.phase = "beside 2";
  await others(hosts, 2);
  leaves.abort();
  hosts.phase = "after";
  await pause(QUIET_MS);
  hosts.phase = "alone 2";
  await others(hosts, 2);
}

const waitsOf = (served: readonly ServedByHosts[], phase: string): number[] =>
  served
    .filter((one) => one.phase.startsWith(phase) && one.userId !== HEAVY)
    .map(({ waitedMs }) => waitedMs);

const p95 = (waits: readonly number[]): number => quantile(waits, 0.95);

/** Ten users who together always want four times the slots, and one with a hundred times as much as each. */
async function fullHouse(timing: HostsTiming): Promise<readonly ServedByHosts[]> {
  await using hosts = await TwoHosts.start(WORKERS_EACH);
  const random = seededRandom(7);
  for (let copy = 0; copy < OUTSTANDING; copy++) {
    for (const userId of OTHERS) void hosts.loop(kind(userId, { random }));
  }
  await pause(WARM_UP_MS);
  await interleave(hosts, {
    others: () => pause(timing.durationMs / 2),
    heavy(_, signal) {
      for (let copy = 0; copy < HEAVY_FACTOR * OUTSTANDING; copy++) {
        void hosts.loop(kind(HEAVY, { random }), { signal });
      }
    },
  });
  reportRefused(hosts);
  return [...hosts.served];
}

/**
 * Ten users who come at random and ask for 70 % of the slots, and one who comes a hundred times as often as each, as
 * long as he has no more than so many connections.
 */
async function busyHouse(timing: HostsTiming) {
  await using hosts = await TwoHosts.start(WORKERS_EACH);
  const perSecond = (BUSY * SLOTS * 1000) / LONG_SERVICE_MS / OTHERS.length;
  const plan = (seed: number, durationMs = timing.durationMs / 2): PlannedArrival[] =>
    planArrivals({ userIds: OTHERS, perSecond, meanServiceMs: LONG_SERVICE_MS, durationMs, seed });
  await hosts.play(plan(0, LONG_WARM_UP_MS), LONG_WARM_UP_MS);
  await interleave(hosts, {
    others: (_, half) => hosts.play(plan(half), timing.durationMs / 2),
    heavy(_, signal) {
      const random = seededRandom(99);
      const next = kind(HEAVY, { random, meanMs: LONG_SERVICE_MS });
      const atMost = HEAVY_FACTOR * OUTSTANDING;
      void hosts.poisson(next, { perSecond: HEAVY_FACTOR * perSecond, random, signal, atMost });
    },
  });
  await hosts.answered();
  reportRefused(hosts);
  const { served, lateness } = hosts;
  return { served: [...served], lateness: [...lateness] };
}

async function urgentHouse(timing: HostsTiming): Promise<readonly ServedByHosts[]> {
  await using hosts = await TwoHosts.start(WORKERS_EACH);
  const random = seededRandom(7);
  for (const userId of OTHERS) {
    for (let copy = 0; copy < SLOTS; copy++) void hosts.loop(kind(userId, { random, key: "lo" }));
  }
  const perSecond = (0.3 * SLOTS * 1000) / SERVICE_MS;
  void hosts.poisson(kind("urgent", { random, key: "hi" }), { perSecond, random });
  await pause(WARM_UP_MS);
  hosts.phase = "measured";
  await pause(timing.durationMs);
  reportRefused(hosts);
  return hosts.served.filter(({ userId }) => userId === "urgent");
}

function reportRefused({ refused }: TwoHosts): void {
  for (const [whom, count] of refused) console.error(`${count} answers of: ${whom}`);
}

async function fullHouseFigures(timing: HostsTiming): Promise<Figure[]> {
  const served = await fullHouse(timing);
  const alone = p95(waitsOf(served, "alone"));
  const beside = served.filter(({ phase }) => phase.startsWith("beside"));
  const work = [...OTHERS, HEAVY].map((user) =>
    beside.filter(({ userId }) => userId === user).reduce((sum, one) => sum + one.serviceMs, 0),
  );
  return [
    { name: "two hosts, full house: others' p95 wait alone", value: alone, unit: "ms", aim: "" },
    {
      name: "two hosts, full house: others' p95 wait beside one who sends 100 times as much",
      value: p95(waitsOf(served, "beside")) / alone,
      unit: "x",
      aim: "<= 2",
    },
    {
      name: "two hosts, full house: Jain's index of the work of all 11",
      value: jain(work),
      unit: "",
      aim: ">= 0.95",
    },
    { name: "two hosts, full house: requests served", value: served.length, unit: "", aim: "" },
  ];
}

async function busyHouseFigures(timing: HostsTiming): Promise<Figure[]> {
  const { served, lateness } = await busyHouse(timing);
  const lateMs = lateness
    .filter(({ phase }) => /alone|beside/.test(phase))
    .map((timer) => timer.lateMs);
  const waits = { alone: waitsOf(served, "alone"), beside: waitsOf(served, "beside") };
  return [
    {
      name: "two hosts, 70 % load: others' p95 wait alone",
      value: p95(waits.alone),
      unit: "ms",
      aim: "",
    },
    {
      name: "two hosts, 70 % load: others' p95 wait beside him",
      value: p95(waits.beside) / p95(waits.alone),
      unit: "x",
      aim: "<= 2",
    },
    {
      name: "two hosts, 70 % load: the others' requests served beside him, of those served alone",
      value: waits.beside.length / waits.alone.length,
      unit: "",
      aim: "= 1",
    },
    {
      name: "two hosts, 70 % load: how late timers were meanwhile, p95 (more says more of the machine than of the gateway)",
      value: p95(lateMs),
      unit: "ms",
      aim: "<= 20",
    },
  ];
}

async function urgentFigures(timing: HostsTiming): Promise<Figure[]> {
  const waits = waitsOf(await urgentHouse(timing), "measured");
  return [
    {
      name: "two hosts, most urgent p95 wait, all slots full of background work",
      value: p95(waits) / SERVICE_MS,
      unit: "service times",
      aim: "< 1.2",
    },
  ];
}

/** Measures fairness across two Functions hosts on one broker and one storage, in real time. */
export async function benchTwoHosts(timing: HostsTiming): Promise<Figure[]> {
  return [
    ...(await fullHouseFigures(timing)),
    ...(await busyHouseFigures(timing)),
    ...(await urgentFigures(timing)),
  ];
}
