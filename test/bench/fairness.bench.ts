import { LimitBook } from "../../shared/limits/index.ts";
import { defaultTrickle, FairScheduler } from "../../shared/scheduling/index.ts";
import { benchTwoHosts } from "./fairness-two-hosts.ts";
import { type Figure, jain, printFigures, quantile } from "./figures.ts";
import { benchVirtualHosts } from "./hosts-scenes.ts";
import { type Served, seededRandom, VirtualHouse } from "./virtual-house.ts";

const SLOTS = 10;
const MEAN_SERVICE_MS = 200;
const LONGEST_SERVICE_MS = 2 * MEAN_SERVICE_MS;
const DURATION_MS = 60_000;
/** As the gateway is composed. */
const HEADROOM = 1 / 3;
/** Real time: a fifth of the whole, unless `--full` asks for all of it. */
const HOSTS_DURATION_MS = process.argv.includes("--full") ? DURATION_MS : DURATION_MS / 5;
const OTHERS = Array.from({ length: 10 }, (_, index) => `user${index + 1}`);
/** What each of the others keeps in line or in service: together four times the slots. */
const OUTSTANDING = 4;
/** Ten users at 3.5 requests a second use 70 % of 50 a second: without the heavy user hardly anyone waits. */
const LIGHT_PER_SECOND = 3.5;

const newHouse = (capacity = SLOTS): VirtualHouse =>
  new VirtualHouse({ capacity, headroom: HEADROOM, maxQueueLength: Number.POSITIVE_INFINITY });

const waitsOf = (served: readonly Served[]): number[] => served.map(({ waitedMs }) => waitedMs);

/** Ten users who fill the house, and beside them one who sends 100 times as much as each. */
async function fullHouse(hasHeavyUser: boolean): Promise<readonly Served[]> {
  const house = newHouse();
  const random = seededRandom(7);
  const serviceMs = (): number => LONGEST_SERVICE_MS * random();
  for (let copy = 0; copy < OUTSTANDING; copy++) {
    for (const userId of OTHERS) house.loop({ priority: 2, userId }, serviceMs);
  }
  for (let copy = 0; hasHeavyUser && copy < 100 * OUTSTANDING; copy++) {
    house.loop({ priority: 2, userId: "heavy" }, serviceMs);
  }
  await house.run(DURATION_MS);
  return house.served;
}

/** The same beside users who come at random and ask for less than their shares. */
async function lightHouse(hasHeavyUser: boolean): Promise<readonly Served[]> {
  const house = newHouse();
  const perSecond = LIGHT_PER_SECOND;
  for (const [index, userId] of OTHERS.entries()) {
    // Each has a chance of its own, so that they do the same whoever else is there.
    const random = seededRandom(index + 1);
    const serviceMs = (): number => LONGEST_SERVICE_MS * random();
    house.poisson({ priority: 2, userId }, { perSecond, random, serviceMs });
  }
  const random = seededRandom(99);
  const serviceMs = (): number => LONGEST_SERVICE_MS * random();
  const heavy = { priority: 2, userId: "heavy" };
  if (hasHeavyUser) house.poisson(heavy, { perSecond: 100 * perSecond, random, serviceMs });
  await house.run(DURATION_MS);
  return house.served;
}

const othersP95 = (served: readonly Served[]): number =>
  quantile(waitsOf(served.filter(({ userId }) => userId !== "heavy")), 0.95);

async function fairShareFigures(): Promise<Figure[]> {
  const without = othersP95(await fullHouse(false));
  const served = await fullHouse(true);
  const shares = [...OTHERS, "heavy"].map(
    (user) => served.filter(({ userId }) => userId === user).length,
  );
  const lightWithout = othersP95(await lightHouse(false));
  const lightBeside = othersP95(await lightHouse(true));
  return [
    { name: "full house: others' p95 wait alone", value: without, unit: "ms", aim: "" },
    {
      name: "full house: others' p95 wait beside one who sends 100 times as much",
      value: othersP95(served) / without,
      unit: "x",
      aim: "<= 2",
    },
    { name: "full house: Jain's index of all 11", value: jain(shares), unit: "", aim: ">= 0.95" },
    { name: "70 % load: others' p95 wait alone", value: lightWithout, unit: "ms", aim: "" },
    {
      name: "70 % load: others' p95 wait beside him",
      value: lightBeside / lightWithout,
      unit: "x",
      aim: "<= 2",
    },
  ];
}

/** The most urgent class at 30 % of the slots, the background class wants all of them, always. */
async function urgentFigures(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const capacity of [4, SLOTS]) {
    const house = newHouse(capacity);
    const random = seededRandom(11);
    const serviceMs = (): number => LONGEST_SERVICE_MS * random();
    const perSecond = (0.3 * capacity * 1000) / MEAN_SERVICE_MS;
    for (const userId of OTHERS) {
      for (let copy = 0; copy < capacity; copy++) house.loop({ priority: 3, userId }, serviceMs);
    }
    house.poisson({ priority: 1, userId: "urgent" }, { perSecond, random, serviceMs });
    await house.run(DURATION_MS);
    const waits = waitsOf(house.served.filter(({ priority }) => priority === 1));
    figures.push({
      name: `most urgent p95 wait, ${capacity} slots full of background work`,
      value: quantile(waits, 0.95) / MEAN_SERVICE_MS,
      unit: "service times",
      aim: "< 1.2",
    });
  }
  return figures;
}

/** Class 1 always wants more than all slots; in each other class, `users` have one request each. */
async function starvationFigures(): Promise<Figure[]> {
  const users = 3;
  const house = newHouse();
  const random = seededRandom(13);
  const serviceMs = (): number => LONGEST_SERVICE_MS * random();
  for (let copy = 0; copy < 3 * SLOTS; copy++) {
    house.loop({ priority: 1, userId: `flood${copy}` }, serviceMs);
  }
  for (const priority of [2, 3]) {
    for (const userId of OTHERS.slice(0, users)) house.loop({ priority, userId }, serviceMs);
  }
  await house.run(DURATION_MS);
  return [1, 2, 3].map((priority) => {
    const waiting = priority === 1 ? 3 * SLOTS : users;
    const every = priority === 1 ? 2 : defaultTrickle(priority);
    // k = 1, equal weights: B = (2 + 2) n + n.
    const bound = LONGEST_SERVICE_MS * Math.ceil((every * 5 * waiting) / SLOTS);
    const waits = waitsOf(house.served.filter((one) => one.priority === priority));
    return {
      name: `longest wait of class ${priority} under a flood of class 1`,
      value: Math.max(...waits),
      unit: "ms",
      aim: `<= ${bound}`,
    };
  });
}

/** Time of the processor: every grant lets the next one in, and its user comes again. */
async function costFigures(headroom: number): Promise<Figure[]> {
  const waiting = 10_000;
  const grants = 200_000;
  const scheduler = new FairScheduler({
    capacity: 1,
    headroom,
    clock: { now: Date.now, schedule: () => () => {} },
    maxQueueLength: Number.POSITIVE_INFINITY,
  });
  const signals = Array.from({ length: waiting }, () => new AbortController().signal);
  let granted = 0;
  await new Promise<void>((resolve) => {
    const enter = async (user: number, signal: AbortSignal): Promise<void> => {
      const request = { priority: 1 + (user % 3), userId: `user${user}`, isLimited: true, signal };
      while (granted < grants) {
        const slot = await scheduler.acquire(request);
        granted += 1;
        slot.release(2);
      }
      resolve();
    };
    const held = scheduler.tryAcquire({ priority: 1, userId: "first" });
    for (const [user, signal] of signals.entries()) void enter(user, signal);
    startedAt = process.cpuUsage().user;
    held?.release();
  });
  const seconds = (process.cpuUsage().user - startedAt) / 1_000_000;
  return [
    {
      name: `scheduler alone: grants with ${waiting} users waiting${headroom > 0 ? ", with headroom" : ""}`,
      value: granted / seconds,
      unit: "1/s",
      aim: headroom > 0 ? "" : ">= 50000",
    },
  ];
}

let startedAt = 0;

/** 200 requests at once, of one token each, of a caller who may use 50 a minute. */
function budgetFigures(): Figure[] {
  const book = new LimitBook();
  const subjects = [{ id: "user:ann", limits: { tokensPerMinute: 50 } }];
  const claims = Array.from({ length: 200 }, () =>
    book.reserve(subjects, { prompt: 1, total: 1 }, 0),
  );
  const admitted = claims.filter((claim) => claim.admitted).length;
  return [{ name: "of 200 against a budget of 50", value: admitted, unit: "", aim: "= 50" }];
}

/** Measures fairness in one process, in virtual time, and what the scheduler costs in real time. */
export async function benchFairness(): Promise<Figure[]> {
  return [
    ...(await fairShareFigures()),
    ...(await urgentFigures()),
    ...(await starvationFigures()),
    ...budgetFigures(),
    ...(await costFigures(0)),
    ...(await costFigures(HEADROOM)),
  ];
}

if (import.meta.main) {
  printFigures(await benchFairness());
  printFigures(await benchVirtualHosts([1, 2, 3]));
  if (!process.argv.includes("--in-process")) {
    printFigures(await benchTwoHosts({ durationMs: HOSTS_DURATION_MS }));
  }
}
