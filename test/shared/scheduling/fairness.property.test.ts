import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FairShare } from "../../../shared/scheduling/fair-share.ts";
import { FairScheduler, type SlotRequest } from "../../../shared/scheduling/index.ts";

const RUNS = { numRuns: 150, interruptAfterTimeLimit: 10_000 };
const CLOCK = { now: () => 0, schedule: () => () => {} };

interface Visit {
  readonly user: number;
  readonly cost: number;
}

/** A scheduler with one slot whose grants are told in their order. */
function startSolo(weights: readonly number[]) {
  const users = new Map(weights.map((weight, user) => [`u${user}`, weight]));
  const scheduler = new FairScheduler({
    capacity: 1,
    clock: CLOCK,
    weights: { users, groups: new Map() },
  });
  const blocker = scheduler.tryAcquire({ priority: 1, userId: "blocker" });
  const grants: { user: number; cost: number; id: number; release: () => void }[] = [];
  let sent = 0;
  const send = ({ user, cost }: Visit): number => {
    const id = sent++;
    const request: SlotRequest = {
      priority: 2,
      isLimited: false,
      signal: new AbortController().signal,
      userId: `u${user}`,
      cost,
    };
    void scheduler
      .acquire(request)
      .then((slot) => grants.push({ user, cost, id, release: () => slot.release() }));
    return id;
  };
  const next = async (): Promise<void> => {
    const last = grants.at(-1);
    if (last) last.release();
    else blocker?.release();
    await Promise.resolve();
  };
  return { scheduler, grants, send, next };
}

describe("fair share", () => {
  it("keeps two users who always wait within the stated bound of each other", async () => {
    const weights = fc.array(fc.constantFrom(0.5, 1, 2, 5), { minLength: 5, maxLength: 5 });
    const visits = fc.array(
      fc.array(
        fc.record({ user: fc.integer({ min: 2, max: 4 }), cost: fc.integer({ min: 1, max: 4 }) }),
        {
          maxLength: 3,
        },
      ),
      { minLength: 60, maxLength: 100, size: "max" },
    );
    const costs = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 2 });
    await fc.assert(
      fc.asyncProperty(weights, visits, costs, fc.nat(20), async (share, rounds, cost, lateBy) => {
        const solo = startSolo(share);
        const refill = (user: number): void => {
          for (let count = 0; count < 3; count++) solo.send({ user, cost: cost[user] ?? 1 });
        };
        let joinedAt = 0;
        for (const [round, guests] of rounds.entries()) {
          if (round >= lateBy && solo.scheduler.userLoad("u0").waiting < 2) refill(0);
          if (solo.scheduler.userLoad("u1").waiting < 2) refill(1);
          if (round === lateBy) joinedAt = solo.grants.length;
          for (const guest of guests) solo.send(guest);
          await solo.next();
        }
        const gaps = [0];
        for (const { user, cost: charged } of solo.grants.slice(joinedAt)) {
          const work = charged / (share[user] ?? 1);
          gaps.push((gaps.at(-1) ?? 0) + (user === 0 ? work : user === 1 ? -work : 0));
        }
        const quantum = (user: number): number => (cost[user] ?? 1) / (share[user] ?? 1);
        const bound = quantum(0) + quantum(1) + 4 / Math.min(...share);
        expect(Math.max(...gaps) - Math.min(...gaps)).toBeLessThanOrEqual(bound + 1e-9);
      }),
      RUNS,
    );
  });

  it("serves every request within the stated number of grants, whoever keeps coming", async () => {
    const rounds = fc.array(fc.integer({ min: 0, max: 3 }), {
      minLength: 80,
      maxLength: 120,
      size: "max",
    });
    await fc.assert(
      fc.asyncProperty(
        rounds,
        fc.integer({ min: 1, max: 6 }),
        fc.nat(30),
        async (visits, backlog, lateBy) => {
          const solo = startSolo([]);
          let stranger = 1;
          let users = 0;
          let watched = { id: -1, after: 0 };
          const step = async (count: number): Promise<void> => {
            // A stranger never returns, and one comes for each grant: a queue that never empties.
            for (let index = 0; index < Math.max(1, count); index++) {
              if (solo.scheduler.waiting < 12) solo.send({ user: stranger++, cost: 1 });
            }
            users = Math.max(users, solo.scheduler.snapshot().users);
            await solo.next();
          };
          for (const [round, count] of visits.entries()) {
            if (round === lateBy) {
              for (let index = 1; index < backlog; index++) solo.send({ user: 0, cost: 1 });
              watched = { id: solo.send({ user: 0, cost: 1 }), after: solo.grants.length };
            }
            await step(count);
          }
          const bound = (2 * backlog + 3) * users;
          for (let more = 0; more < bound; more++) await step(1);
          const servedAt = solo.grants.findIndex(({ id }) => id === watched.id);
          expect(servedAt).toBeGreaterThanOrEqual(0);
          expect(servedAt - watched.after).toBeLessThanOrEqual(bound);
        },
      ),
      { ...RUNS, numRuns: 60 },
    );
  });

  it("remembers few debtors, however many strangers come and go", async () => {
    const solo = startSolo([]);
    for (let stranger = 0; stranger < 5_000; stranger++) {
      solo.send({ user: stranger, cost: 1 + (stranger % 100) });
      if (stranger > 3) await solo.next();
      const { remembered } = solo.scheduler.snapshot();
      expect(remembered).toBeLessThanOrEqual(5 + 16 + 2 * 5);
    }
  });

  it("lets virtual time stand still for nobody", () => {
    const share = new FairShare();
    const patient = share.open("user", "patient");
    patient.waiting = 2;
    share.join(patient, 1);
    patient.waiting = 1;
    patient.running = 1;
    share.charge(patient, 1, 1);
    let passedBy = 0;
    let newest = enter(share, 0);
    for (let next = share.next(); next && next !== patient; next = share.next()) {
      const newer = enter(share, ++passedBy);
      next.waiting = 0;
      next.running = 1;
      share.charge(next, 1, 1);
      newest = newer;
      if (passedBy > 50) break;
    }
    expect(newest.waiting).toBe(1);
    expect(passedBy).toBeLessThan(10);
  });
});

function enter(share: FairShare, number: number) {
  const flow = share.open("user", `stranger${number}`);
  flow.waiting = 1;
  flow.headNumber = number;
  share.join(flow, 1);
  return flow;
}
