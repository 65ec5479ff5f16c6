import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { QueuePlaces } from "../../../shared/scheduling/index.ts";
import { FairHouse, names } from "./fair-house.ts";

const RUNS = { numRuns: 200, interruptAfterTimeLimit: 10_000 };

/** A queue of limited length whose places say who holds them. */
class ShortQueue {
  readonly places = new QueuePlaces();
  readonly #held = new Map<number, { user: string; leave: () => void }>();
  readonly #length: number;
  #arrivals = 0;

  constructor(length: number) {
    this.#length = length;
  }

  get held(): string[] {
    return [...this.#held.values()].map(({ user }) => user);
  }

  arrive(user: string, groupId?: string): boolean {
    const caller = { userId: user, groupId };
    if (this.#held.size >= this.#length && !this.places.makeRoomFor(caller)) return false;
    const number = this.#arrivals++;
    const place = this.places.enter(caller, () => this.#held.delete(number));
    this.#held.set(number, { user, leave: () => place.leave() });
    return true;
  }

  leave(index: number): void {
    const [number, held] = [...this.#held][index % Math.max(1, this.#held.size)] ?? [];
    if (number === undefined) return;
    this.#held.delete(number);
    held?.leave();
  }
}

describe("the places of a full queue", () => {
  it("are as many as there may be, and no user's keep out one who holds two fewer", () => {
    const step = fc.record({ user: fc.nat(4), leaves: fc.boolean(), index: fc.nat(20) });
    return fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.array(step, { maxLength: 80 }),
        (length, steps) => {
          const queue = new ShortQueue(length);
          for (const { user, leaves, index } of steps) {
            if (leaves) queue.leave(index);
            const before = countBy(queue.held);
            const own = before.get(`u${user}`) ?? 0;
            const most = Math.max(0, ...before.values());
            const isTaken = queue.arrive(`u${user}`);
            expect(queue.held.length).toBeLessThanOrEqual(length);
            const hadRoom = [...before.values()].reduce((a, b) => a + b, 0) < length;
            expect(isTaken).toBe(hadRoom || most > own + 1);
          }
        },
      ),
      RUNS,
    );
  });

  it("are shared by groups first, and by users inside a group", () => {
    const queue = new ShortQueue(4);
    for (const user of ["a", "b", "c", "c"]) expect(queue.arrive(user, "many")).toBe(true);
    expect(queue.arrive("e", "few")).toBe(true);
    expect(queue.held).toEqual(["a", "b", "c", "e"]);
    expect(queue.arrive("d", "many")).toBe(false);
  });
});

function countBy(held: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const user of held) counts.set(user, (counts.get(user) ?? 0) + 1);
  return counts;
}

describe("a scheduler whose queue is full", () => {
  it("refuses the user who fills it, and makes room for others at that user's cost", async () => {
    const house = new FairHouse({ maxQueueLength: 3 });
    await house.sendAll(names("h", 5), { userId: "heavy" });
    expect(house.failure("h5")).toMatchObject({ code: "queue-full" });
    await house.send("light", { userId: "light" });
    expect(house.failure("light")).toBeUndefined();
    expect(house.failure("h4")).toMatchObject({ code: "queue-full" });
    expect(house.scheduler.waiting).toBe(3);
    await house.drain();
    expect(house.started).toEqual(["h1", "h2", "light", "h3"]);
  });

  it("neither counts nor takes a place of what was accepted elsewhere", async () => {
    const house = new FairHouse({ maxQueueLength: 2 });
    await house.sendAll(names("h", 4), { userId: "heavy", isLimited: false });
    await house.send("light", { userId: "light" });
    expect(house.failure("light")).toBeUndefined();
    await house.drain();
    expect(house.started).toEqual(["h1", "h2", "light", "h3", "h4"]);
  });

  it("forgets the places of those who left or were served", async () => {
    const house = new FairHouse({ maxQueueLength: 2 });
    const leaving = new AbortController();
    await house.send("h1", { userId: "heavy" });
    await house.send("h2", { userId: "heavy", signal: leaving.signal });
    await house.send("h3", { userId: "heavy" });
    leaving.abort(new Error("left"));
    await house.end("h1");
    await house.sendAll(["a", "b"], { userId: "other" });
    await house.send("c", { userId: "third" });
    expect(house.failure("b")).toMatchObject({ code: "queue-full" });
    expect(house.failure("c")).toBeUndefined();
  });
});
