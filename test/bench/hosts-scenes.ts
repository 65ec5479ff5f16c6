import { defaultTrickle } from "../../shared/scheduling/index.ts";
import { type Figure, jain, quantile } from "./figures.ts";
import { type ServedVirtually, VirtualHosts, type VirtualRequest } from "./virtual-hosts.ts";
import { seededRandom } from "./virtual-house.ts";

const WORKERS_EACH = 5;
const MEAN_SERVICE_MS = 200;
const LONGEST_SERVICE_MS = 2 * MEAN_SERVICE_MS;
const WARM_UP_MS = 8000;
const DURATION_MS = 60_000;
/** Fifty service times. */
const SURPRISE_MS = 10_000;
const OTHERS = Array.from({ length: 10 }, (_, index) => `user${index + 1}`);
/** What each of the others keeps in line or in service, for each host: together four times the slots. */
const OUTSTANDING_PER_HOST = 2;
const BUSY = 0.7;
const FLOOD = 30;
const FEW = OTHERS.slice(0, 3);

/** How many hosts, and which chance. */
export interface HostsScene {
  readonly hosts: number;
  readonly seed: number;
}

type Serve = (house: VirtualHosts, randomOf: (userId: string) => () => number) => void;

/** Each user has a chance of their own, so that they do the same whoever else is there. */
async function play(
  { hosts, seed }: HostsScene,
  serve: Serve,
  durationMs = DURATION_MS,
): Promise<ServedVirtually[]> {
  const house = new VirtualHosts({ hosts, workersEach: WORKERS_EACH });
  let users = 0;
  serve(house, () => seededRandom(1000 * seed + users++));
  await house.run({ warmUpMs: WARM_UP_MS, durationMs });
  return house.served;
}

const kind =
  (userId: string, random: () => number, priority = 2) =>
  (): VirtualRequest => ({
    userId,
    priority,
    serviceMs: LONGEST_SERVICE_MS * random(),
    host: random(),
  });

/** Always has so many requests of this kind there. */
function keep(house: VirtualHosts, copies: number, next: () => VirtualRequest): void {
  for (let copy = 0; copy < copies; copy++) void house.loop(next);
}

/** Ten users who together always want four times the slots, and beside them, or not, one with 100 times as much. */
export const fullHouse = (scene: HostsScene, hasHeavyUser: boolean): Promise<ServedVirtually[]> =>
  play(scene, (house, randomOf) => {
    const outstanding = OUTSTANDING_PER_HOST * scene.hosts;
    for (const userId of OTHERS) keep(house, outstanding, kind(userId, randomOf(userId)));
    if (hasHeavyUser) keep(house, 100 * outstanding, kind("heavy", randomOf("heavy")));
  });

/** The same beside users who come at random and ask for 70 % of the slots. */
export const busyHouse = (scene: HostsScene, hasHeavyUser: boolean): Promise<ServedVirtually[]> =>
  play(scene, (house, randomOf) => {
    comeAtRandom(scene, house, randomOf);
    const outstanding = 100 * OUTSTANDING_PER_HOST * scene.hosts;
    if (hasHeavyUser) keep(house, outstanding, kind("heavy", randomOf("heavy")));
  });

/** The same, and the heavy user comes when all is measured: how the others fare in his first ten seconds. */
export const surprisedHouse = (
  scene: HostsScene,
  hasHeavyUser: boolean,
): Promise<ServedVirtually[]> =>
  play(
    scene,
    (house, randomOf) => {
      comeAtRandom(scene, house, randomOf);
      if (!hasHeavyUser) return;
      const outstanding = 100 * OUTSTANDING_PER_HOST * scene.hosts;
      const random = randomOf("heavy");
      house.clock.schedule(WARM_UP_MS, () => keep(house, outstanding, kind("heavy", random)));
    },
    SURPRISE_MS,
  );

function comeAtRandom(
  scene: HostsScene,
  house: VirtualHosts,
  randomOf: (userId: string) => () => number,
): void {
  const perSecond = (BUSY * slotsOf(scene) * 1000) / MEAN_SERVICE_MS / OTHERS.length;
  for (const userId of OTHERS) {
    const random = randomOf(userId);
    void house.poisson(kind(userId, random), { perSecond, random });
  }
}

/** The most urgent class at 30 % of the slots; the background class wants all of them, always. */
export const urgentHouse = (scene: HostsScene): Promise<ServedVirtually[]> =>
  play(scene, (house, randomOf) => {
    for (const userId of OTHERS) keep(house, slotsOf(scene), kind(userId, randomOf(userId), 3));
    const random = randomOf("urgent");
    const perSecond = (0.3 * slotsOf(scene) * 1000) / MEAN_SERVICE_MS;
    void house.poisson(kind("urgent", random, 1), { perSecond, random });
  });

/** The most urgent class always wants more than all slots; in the others three users have one request each. */
export const floodedHouse = (scene: HostsScene): Promise<ServedVirtually[]> =>
  play(scene, (house, randomOf) => {
    for (let n = 0; n < FLOOD * scene.hosts; n++) keep(house, 1, kind(`f${n}`, randomOf("f"), 1));
    for (const priority of [2, 3]) {
      for (const userId of FEW) keep(house, 1, kind(userId, randomOf(userId), priority));
    }
  });

const slotsOf = ({ hosts }: HostsScene): number => hosts * WORKERS_EACH;

/** The waits of those who came after the warm-up: they owe nothing to the start. */
const waitsOf = (
  served: readonly ServedVirtually[],
  isMeant: (one: ServedVirtually) => boolean,
): number[] =>
  served.filter((one) => one.isSettled && isMeant(one)).map(({ waitedMs }) => waitedMs);

/** The others' p95 wait. */
export const othersP95 = (served: readonly ServedVirtually[]): number =>
  quantile(
    waitsOf(served, ({ userId }) => userId !== "heavy"),
    0.95,
  );

/** Jain's index of the time in slots that all eleven had, in a house where all always want more. */
export function jainOfWork(served: readonly ServedVirtually[]): number {
  const work = new Map([...OTHERS, "heavy"].map((userId) => [userId, 0]));
  for (const { userId, serviceMs } of served) {
    work.set(userId, (work.get(userId) ?? 0) + serviceMs);
  }
  return jain([...work.values()]);
}

/** The most urgent class's p95 wait, in mean service times. */
export const urgentP95 = (served: readonly ServedVirtually[]): number =>
  quantile(
    waitsOf(served, ({ priority }) => priority === 1),
    0.95,
  ) / MEAN_SERVICE_MS;

/** The stated bound of a class in {@link floodedHouse}: all three may be on one host. */
export const boundOf = (priority: 2 | 3): number =>
  LONGEST_SERVICE_MS * Math.ceil((defaultTrickle(priority) * 5 * FEW.length) / WORKERS_EACH);

export const longestWaitOf = (served: readonly ServedVirtually[], priority: 2 | 3): number =>
  Math.max(...waitsOf(served, (one) => one.priority === priority));

/** Fairness across hosts in virtual time, the worst of several runs. */
export async function benchVirtualHosts(seeds: readonly number[]): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const hosts of [2, 4]) figures.push(...(await figuresOf(hosts, seeds)));
  return figures;
}

async function figuresOf(hosts: number, seeds: readonly number[]): Promise<Figure[]> {
  const worst = { jain: 1, full: 0, busy: 0, surprised: 0, urgent: 0, wait2: 0, wait3: 0 };
  for (const seed of seeds) {
    const scene = { hosts, seed };
    const beside = await fullHouse(scene, true);
    const full = othersP95(beside) / othersP95(await fullHouse(scene, false));
    const busy = othersP95(await busyHouse(scene, true)) / othersP95(await busyHouse(scene, false));
    const surprised =
      othersP95(await surprisedHouse(scene, true)) / othersP95(await surprisedHouse(scene, false));
    worst.surprised = Math.max(worst.surprised, surprised);
    const flooded = await floodedHouse(scene);
    worst.jain = Math.min(worst.jain, jainOfWork(beside));
    worst.full = Math.max(worst.full, full);
    worst.busy = Math.max(worst.busy, busy);
    worst.urgent = Math.max(worst.urgent, urgentP95(await urgentHouse(scene)));
    worst.wait2 = Math.max(worst.wait2, longestWaitOf(flooded, 2));
    worst.wait3 = Math.max(worst.wait3, longestWaitOf(flooded, 3));
  }
  const name = (what: string): string => `${hosts} hosts, virtual: ${what}`;
  return [
    { name: name("full house: Jain's index of all 11"), ...aimed(worst.jain, "", ">= 0.95") },
    { name: name("full house: others' p95 wait beside him"), ...aimed(worst.full, "x", "<= 2") },
    { name: name("70 % load: others' p95 wait beside him"), ...aimed(worst.busy, "x", "<= 2") },
    {
      name: name("the same, his first 10 s (50 service times)"),
      ...aimed(worst.surprised, "x", ""),
    },
    { name: name("most urgent p95 wait"), ...aimed(worst.urgent, "service times", "< 1.2") },
    { name: name("longest wait, class 2"), ...aimed(worst.wait2, "ms", `<= ${boundOf(2)}`) },
    { name: name("longest wait, class 3"), ...aimed(worst.wait3, "ms", `<= ${boundOf(3)}`) },
  ];
}

const aimed = (value: number, unit: string, aim: string): Omit<Figure, "name"> => ({
  value,
  unit,
  aim,
});
