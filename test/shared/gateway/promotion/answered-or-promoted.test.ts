import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import {
  answeredOrPromoted,
  type PromotionResult,
} from "../../../../shared/gateway/promotion/answered-or-promoted.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

/** When something settles, in milliseconds from now, and how. */
interface Course {
  readonly workMs: number;
  readonly workFails: boolean;
  readonly triggerMs: number;
  /** How long each try to promote takes, and what it comes to. */
  readonly tries: readonly { readonly tookMs: number; readonly result: PromotionResult }[];
  readonly canRetract: boolean;
}

const course: fc.Arbitrary<Course> = fc.record({
  workMs: fc.nat(20_000),
  workFails: fc.boolean(),
  triggerMs: fc.nat(10_000),
  tries: fc.array(
    fc.record({
      tookMs: fc.nat(10_000),
      result: fc.constantFrom<PromotionResult>("promoted", "failed", "answered"),
    }),
    { minLength: 1, maxLength: 5 },
  ),
  canRetract: fc.boolean(),
});

async function play({ workMs, workFails, triggerMs, tries, canRetract }: Course) {
  const clock = new FakeClock();
  const wait = (ms: number): Promise<void> =>
    new Promise((resolve) => void clock.schedule(ms, resolve));
  let promotions = 0;
  let standing = 0;
  const retract = vi.fn(async () => {});
  const racing = answeredOrPromoted(clock, {
    working: wait(workMs).then(() => {
      if (workFails) throw new Error("failed");
      return "answer";
    }),
    at: clock.now() + triggerMs,
    async promote() {
      const { tookMs, result } = tries[Math.min(promotions++, tries.length - 1)] ?? {
        tookMs: 0,
        result: "failed",
      };
      await wait(tookMs);
      if (result === "promoted") standing += 1;
      return result;
    },
    ...(canRetract ? { retract } : {}),
  });
  const ended = racing.then(
    (answer) => ({ told: answer === undefined ? "202" : "answer", atMs: clock.now() }),
    () => ({ told: "error", atMs: clock.now() }),
  );
  const startedAt = clock.now();
  for (let ms = 0; ms < 60_000; ms += 500) await clock.advance(500);
  const { told, atMs } = await ended;
  return {
    told,
    tookMs: atMs - startedAt,
    promotions,
    standing,
    retractions: retract.mock.calls.length,
  };
}

describe("the race of an answer with its promotion", () => {
  it("tells the caller one thing, and leaves no job behind that nobody was told of", async () => {
    await fc.assert(
      fc.asyncProperty(course, async (played) => {
        const { told, promotions, standing, retractions } = await play(played);
        if (told === "202") {
          expect(standing).toBe(1);
          expect(retractions).toBe(0);
        } else {
          expect(told).toBe(played.workFails ? "error" : "answer");
          // A try that failed may have left something, too.
          const [first] = played.tries;
          const isTried = promotions > 0 && first?.result !== "answered";
          const isAnswered = played.tries.some(({ result }) => result === "answered");
          if (played.canRetract && !isAnswered) expect(retractions).toBe(isTried ? 1 : 0);
          if (played.canRetract) expect(retractions).toBeGreaterThanOrEqual(standing);
        }
        if (played.workMs < played.triggerMs - 500) expect(promotions).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  it("never holds an answer back for longer than a storage may take to decide", async () => {
    await fc.assert(
      fc.asyncProperty(course, async (played) => {
        const { tookMs } = await play(played);
        const ticks = 1000;
        expect(tookMs).toBeLessThanOrEqual(played.workMs + 2000 + ticks);
      }),
      { numRuns: 100 },
    );
  });

  it("keeps trying while the storage is away, and promotes when it is back", async () => {
    const failed = { tookMs: 0, result: "failed" } as const;
    const played = {
      workMs: 60_000,
      workFails: false,
      triggerMs: 1000,
      tries: [failed, failed, { tookMs: 0, result: "promoted" } as const],
      canRetract: true,
    };
    expect(await play(played)).toMatchObject({ told: "202", promotions: 3 });
  });
});
