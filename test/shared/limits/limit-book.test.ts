import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LimitBook, type Reservation } from "../../../shared/limits/limit-book.ts";
import type { LimitedSubject, Limits } from "../../../shared/limits/limits.ts";

const NOW = Date.UTC(2026, 0, 1, 12);
const user = (limits: Limits, id = "user:ann"): LimitedSubject => ({ id, limits });

const claimOf = (tokens: number) => ({ prompt: tokens, total: tokens });

function reserveMany(book: LimitBook, subjects: LimitedSubject[], count: number, tokens = 0) {
  return Array.from({ length: count }, () => book.reserve(subjects, claimOf(tokens), NOW));
}
const admitted = (results: ReturnType<typeof reserveMany>) =>
  results.flatMap((result) => (result.admitted ? [result.reservation] : []));

describe("a limit", () => {
  it("lets exactly 50 of 200 parallel requests through a budget of 50", () => {
    const results = reserveMany(new LimitBook(), [user({ requestsPerMinute: 50 })], 200);
    expect(admitted(results)).toHaveLength(50);
  });

  it("of tokens is claimed before the call, by the estimate", () => {
    const results = reserveMany(new LimitBook(), [user({ tokensPerMinute: 1000 })], 20, 300);
    expect(admitted(results)).toHaveLength(3);
  });

  it("counts what was really used once that is known", () => {
    const book = new LimitBook();
    const subject = user({ tokensPerMinute: 1000 });
    const [first] = admitted(reserveMany(book, [subject], 1, 900));
    expect(book.reserve([subject], claimOf(900), NOW).admitted).toBe(false);
    first?.settle(50, NOW + 10);
    expect(book.reserve([subject], claimOf(900), NOW + 10).admitted).toBe(true);
  });

  it("is as if nothing had been when a request is released", () => {
    const book = new LimitBook();
    const subject = user({ requestsPerMinute: 1, tokensPerMinute: 10, concurrentRequests: 1 });
    const [first] = admitted(reserveMany(book, [subject], 1, 10));
    first?.release(NOW + 5);
    expect(book.reserve([subject], claimOf(10), NOW + 5).admitted).toBe(true);
  });

  it("keeps a request and its prompt when it is cut off", () => {
    const book = new LimitBook();
    const subject = user({ requestsPerMinute: 9, tokensPerMinute: 1000, concurrentRequests: 1 });
    const result = book.reserve([subject], { prompt: 40, total: 900 }, NOW);
    if (!result.admitted) throw new Error("There is room.");
    result.reservation.cutOff(NOW + 5);
    result.reservation.release(NOW + 5);
    const used = { requestsInMinute: 1, tokensInMinute: 40, tokensToday: 40, concurrent: 0 };
    expect(book.find(subject.id)?.local(NOW + 5)).toEqual(used);
  });

  it("says which one it is and when to come back", () => {
    const book = new LimitBook();
    const subject = user({ requestsPerMinute: 2 });
    reserveMany(book, [subject], 2);
    expect(book.reserve([subject], claimOf(0), NOW + 20_000)).toMatchObject({
      admitted: false,
      limit: "requestsPerMinute",
      retryAfterMs: 40_000,
    });
    expect(book.reserve([subject], claimOf(0), NOW + 60_000).admitted).toBe(true);
  });

  it("of a day ends with the day", () => {
    const book = new LimitBook();
    const subject = user({ tokensPerDay: 100 });
    reserveMany(book, [subject], 1, 100);
    const refusal = book.reserve([subject], claimOf(1), NOW);
    expect(refusal).toMatchObject({ limit: "tokensPerDay", retryAfterMs: 12 * 3_600_000 });
    expect(book.reserve([subject], claimOf(100), NOW + 12 * 3_600_000).admitted).toBe(true);
  });

  it("of waiting requests frees a place when one starts", () => {
    const book = new LimitBook();
    const subject = user({ queuedRequests: 1 });
    const [first] = admitted(reserveMany(book, [subject], 1));
    expect(book.reserve([subject], claimOf(0), NOW)).toMatchObject({ limit: "queuedRequests" });
    first?.started();
    expect(book.reserve([subject], claimOf(0), NOW).admitted).toBe(true);
  });

  it("of a group binds its users together, and a refusal by it claims nothing of the user's", () => {
    const book = new LimitBook();
    const group = user({ requestsPerMinute: 3 }, "group:red");
    const ann = user({ requestsPerMinute: 2 }, "user:ann");
    const ben = user({ requestsPerMinute: 9 }, "user:ben");
    expect(admitted(reserveMany(book, [ann, group], 5))).toHaveLength(2);
    expect(admitted(reserveMany(book, [ben, group], 5))).toHaveLength(1);
    expect(book.find("user:ben")?.local(NOW).requestsInMinute).toBe(1);
  });

  it("takes into account what other instances use, as last heard", () => {
    const book = new LimitBook();
    const subject = user({ requestsPerMinute: 10 });
    const remote = { requestsInMinute: 8, tokensInMinute: 0, tokensToday: 0, concurrent: 0 };
    book.replaceRemote(new Map([[subject.id, remote]]), NOW);
    expect(admitted(reserveMany(book, [subject], 5))).toHaveLength(2);
  });

  it("forgets subjects that use nothing any more", () => {
    const book = new LimitBook();
    const [reservation] = admitted(reserveMany(book, [user({ concurrentRequests: 5 })], 1));
    reservation?.settle(0, NOW);
    book.replaceRemote(new Map(), NOW + 61_000);
    expect(book.find("user:ann")).toBeUndefined();
  });

  it("holds, and leaks no place, whatever the order of beginnings and ends", () => {
    const command = fc.constantFrom("reserve", "settle", "release", "started", "wait");
    fc.assert(
      fc.property(fc.array(command, { maxLength: 200 }), (commands) => {
        const book = new LimitBook();
        const subject = user({ concurrentRequests: 3 });
        const open: Reservation[] = [];
        let now = NOW;
        for (const name of commands) {
          const [oldest] = open;
          if (name === "wait") now += 700;
          else if (name === "started") oldest?.started();
          else if (name === "reserve") {
            const result = book.reserve([subject], claimOf(5), now);
            expect(result.admitted).toBe(open.length < 3);
            if (result.admitted) open.push(result.reservation);
          } else {
            open.shift();
            if (name === "settle") oldest?.settle(99, now);
            oldest?.release(now);
          }
        }
        expect(book.find(subject.id)?.concurrent ?? 0).toBe(open.length);
      }),
    );
  });
});

describe("the memory of limits", () => {
  const DAILY = { tokensPerDay: 1_000_000 };

  it("does not grow with the names that callers give themselves", () => {
    const book = new LimitBook();
    for (let n = 0; n < 50_000; n++) {
      // Twenty a second: within a minute come fewer than are kept.
      const nowMs = NOW + n * 50;
      const caller = { id: `caller:${n}`, limits: DAILY, isAnybody: true };
      const result = book.reserve([caller], claimOf(10), nowMs);
      if (result.admitted) result.reservation.settle(10, nowMs);
    }
    expect(book.local(NOW).size).toBeLessThanOrEqual(10_000);
  });

  it("keeps what a known user used today, however many others come", () => {
    const book = new LimitBook();
    const first = book.reserve([user(DAILY)], claimOf(999_999), NOW);
    if (first.admitted) first.reservation.settle(999_999, NOW);
    for (let n = 0; n < 30_000; n++) {
      const nowMs = NOW + 120_000 + n * 10;
      const other = { id: `caller:${n}`, limits: DAILY, isAnybody: true };
      const result = book.reserve([other], claimOf(1), nowMs);
      if (result.admitted) result.reservation.release(nowMs);
    }
    expect(book.reserve([user(DAILY)], claimOf(2), NOW + 600_000)).toMatchObject({
      limit: "tokensPerDay",
    });
  });
});
