import fc from "fast-check";
import { expect, it } from "vitest";
import { RestLine } from "../../../shared/routing/rest-line.ts";
import { RoomWatch } from "../../../shared/routing/room-watch.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const wait = fc.record({
  priority: fc.integer({ min: 1, max: 3 }),
  atMostMs: fc.integer({ min: 1, max: 5000 }),
  goneAfterMs: fc.option(fc.integer({ min: 1, max: 5000 }), { nil: undefined }),
  lines: fc.subarray([0, 1]),
  isForRoom: fc.boolean(),
  next: fc.constantFrom("rest", "room", "nothing"),
  afterMs: fc.nat(600),
  restMs: fc.nat(2000),
  outcome: fc.constantFrom("accepted", "refused", "decline", "giveBack"),
});

it("ends every wait once and in time, gives one turn at most, and leaves nothing behind", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(wait, { minLength: 1, maxLength: 20 }), async (waits) => {
      const clock = new FakeClock();
      const room = new RoomWatch(clock);
      const all = [new RestLine("a", clock), new RestLine("b", clock)];
      for (const line of all) line.rest(clock.now() + 700);
      const ended: string[] = [];
      for (const { priority, atMostMs, goneAfterMs, lines, isForRoom, ...way } of waits) {
        const leaving = new AbortController();
        const startedAt = clock.now();
        const rest = {
          lines: lines.flatMap((at) => all[at] ?? []),
          sharer: "s",
          arrivedAt: startedAt,
        };
        const keys = new Set(isForRoom ? ["full"] : []);
        room.wait({ keys, priority, atMostMs, signal: leaving.signal, rest }).then(
          (turn) => {
            ended.push(turn ? "turn" : "woken");
            expect(clock.now() - startedAt).toBeLessThanOrEqual(atMostMs);
            if (turn) expect(rest.lines.map(({ key }) => key)).toContain(turn.key);
            if (way.outcome === "decline") turn?.decline();
            else if (way.outcome === "giveBack") turn?.giveBack();
            else turn?.used(way.outcome);
          },
          () => ended.push("gone"),
        );
        if (goneAfterMs !== undefined) clock.schedule(goneAfterMs, () => leaving.abort());
        await clock.advance(way.afterMs);
        if (way.next === "rest") all[0]?.rest(clock.now() + way.restMs);
        if (way.next === "room") room.freed("full");
        const inLines = all.map(({ waiting }) => waiting);
        expect(Math.max(...inLines)).toBeLessThanOrEqual(room.waiting);
      }
      await clock.advance(10_000);
      expect(ended).toHaveLength(waits.length);
      expect([room.waiting, ...all.map(({ waiting }) => waiting), clock.pending]).toEqual([
        0, 0, 0, 0,
      ]);
    }),
    { numRuns: 100 },
  );
});
