import { type Figure, jain, quantile } from "./figures.ts";
import { type HostRequest, type ServedByHosts, TwoHosts } from "./two-hosts.ts";
import { seededRandom } from "./virtual-house.ts";

const WORKERS_EACH = 5;
const SLOTS = 2 * WORKERS_EACH;
const MEAN_SERVICE_MS = 200;
const OTHERS = Array.from({ length: 10 }, (_, index) => `user${index + 1}`);
/** What each of the others keeps in line or in service: together four times the slots. */
const OUTSTANDING = 4;
const WARM_UP_MS = 8000;

/** How long each scene is played. */
export interface HostsTiming {
  readonly durationMs: number;
}

const kind =
  (userId: string, random: () => number, key = "mid") =>
  (): HostRequest => ({
    userId,
    key,
    serviceMs: 2 * MEAN_SERVICE_MS * random(),
  });

async function play(
  { durationMs }: HostsTiming,
  scene: (hosts: TwoHosts, random: () => number) => void,
): Promise<readonly ServedByHosts[]> {
  await using hosts = await TwoHosts.start(WORKERS_EACH);
  scene(hosts, seededRandom(7));
  await hosts.run({ warmUpMs: WARM_UP_MS, durationMs });
  for (const [status, count] of hosts.refused) console.error(`${count} answers of ${status}`);
  return [...hosts.served];
}

const othersP95 = (served: readonly ServedByHosts[]): number =>
  quantile(
    served
      .filter(({ userId, isSettled }) => isSettled && userId !== "heavy")
      .map(({ waitedMs }) => waitedMs),
    0.95,
  );

const fullHouse = (timing: HostsTiming, copiesOfHeavy: number) =>
  play(timing, (hosts, random) => {
    for (let copy = 0; copy < OUTSTANDING; copy++) {
      for (const userId of OTHERS) void hosts.loop(kind(userId, random));
    }
    for (let copy = 0; copy < copiesOfHeavy; copy++) void hosts.loop(kind("heavy", random));
  });

const busyHouse = (timing: HostsTiming, copiesOfHeavy: number) =>
  play(timing, (hosts, random) => {
    const perSecond = (0.7 * SLOTS * 1000) / MEAN_SERVICE_MS / OTHERS.length;
    for (const userId of OTHERS) void hosts.poisson(kind(userId, random), { perSecond, random });
    for (let copy = 0; copy < copiesOfHeavy; copy++) void hosts.loop(kind("heavy", random));
  });

const urgentHouse = (timing: HostsTiming) =>
  play(timing, (hosts, random) => {
    for (const userId of OTHERS) {
      for (let copy = 0; copy < SLOTS; copy++) void hosts.loop(kind(userId, random, "lo"));
    }
    const perSecond = (0.3 * SLOTS * 1000) / MEAN_SERVICE_MS;
    void hosts.poisson(kind("urgent", random, "hi"), { perSecond, random });
  });

/** Measures fairness across two Functions hosts on one broker and one storage, in real time. */
export async function benchTwoHosts(timing: HostsTiming): Promise<Figure[]> {
  const without = othersP95(await fullHouse(timing, 0));
  const served = await fullHouse(timing, 100 * OUTSTANDING);
  const work = [...OTHERS, "heavy"].map((user) =>
    served
      .filter(({ userId }) => userId === user)
      .reduce((sum, { serviceMs }) => sum + serviceMs, 0),
  );
  const busyAlone = othersP95(await busyHouse(timing, 0));
  const busyBeside = othersP95(await busyHouse(timing, 100 * OUTSTANDING));
  const urgent = (await urgentHouse(timing)).filter(
    ({ userId, isSettled }) => isSettled && userId === "urgent",
  );
  const urgentP95 = quantile(
    urgent.map(({ waitedMs }) => waitedMs),
    0.95,
  );
  return [
    { name: "two hosts, full house: others' p95 wait alone", value: without, unit: "ms", aim: "" },
    {
      name: "two hosts, full house: others' p95 wait beside one who sends 100 times as much",
      value: othersP95(served) / without,
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
    { name: "two hosts, 70 % load: others' p95 wait alone", value: busyAlone, unit: "ms", aim: "" },
    {
      name: "two hosts, 70 % load: others' p95 wait beside him",
      value: busyBeside / busyAlone,
      unit: "x",
      aim: "<= 2",
    },
    {
      name: "two hosts, most urgent p95 wait, all slots full of background work",
      value: urgentP95 / MEAN_SERVICE_MS,
      unit: "service times",
      aim: "< 1.2",
    },
  ];
}
