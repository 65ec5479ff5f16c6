import { describe, expect, it } from "vitest";
import { AbandonedClaims, LimitBook } from "../../../shared/limits/index.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const ANN = { id: "user:ann", limits: { tokensPerDay: 1_000_000 } };

function open() {
  const clock = new FakeClock();
  const book = new LimitBook();
  const claims = new AbandonedClaims(book, clock);
  const leave = (requestId: string, lifeMs = 1000): void => {
    const result = book.reserve([ANN], { prompt: 10, total: 500 }, clock.now());
    if (!result.admitted) throw new Error("There is room.");
    result.reservation.release(clock.now());
    claims.add(requestId, result.reservation.claim, clock.now() + lifeMs);
  };
  const tokens = () => book.find(ANN.id)?.local(clock.now()).tokensToday;
  return { clock, claims, leave, tokens };
}

describe("the claim of a request that was given up in a lane", () => {
  it("is its prompt, once, when a backend turns out to have worked on it", () => {
    const { claims, leave, tokens } = open();
    leave("one");
    expect(tokens()).toBe(0);
    claims.charge("one");
    claims.charge("one");
    claims.charge("another");
    expect(tokens()).toBe(10);
  });

  it("is forgotten when nothing can come any more, and of too many the oldest", async () => {
    const { clock, claims, leave, tokens } = open();
    leave("late");
    await clock.advance(1001);
    leave("next");
    claims.charge("late");
    expect(tokens()).toBe(0);
    for (let n = 0; n < 2000; n++) leave(`many-${n}`);
    claims.charge("next");
    claims.charge("many-0");
    expect(tokens()).toBe(10);
  });
});
