import fc from "fast-check";
import { expect, it } from "vitest";
import { turnMessageId } from "../../../../shared/gateway/jobs/place-attempt.ts";

// Few letters, so that ids look like parts of others.
const id = fc.string({ unit: fc.constantFrom("1", "2", "-", "a"), minLength: 1, maxLength: 5 });
const turn = fc.record({ id, attempt: fc.integer({ min: 1, max: 12 }), epoch: fc.nat(2) });

it("never gives turns of two jobs one message id: the lane would drop one of them", () => {
  fc.assert(
    fc.property(fc.uniqueArray(turn, { selector: (each) => JSON.stringify(each) }), (turns) => {
      const ids = turns.map((each) => turnMessageId(each.id, each));
      expect(new Set(ids).size).toBe(turns.length);
    }),
    { numRuns: 300 },
  );
  expect(turnMessageId("order", { attempt: 1, epoch: 2 })).not.toBe(
    turnMessageId("order-1", { attempt: 2, epoch: 0 }),
  );
});
