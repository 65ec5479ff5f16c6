import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IndexedHeap } from "../../../shared/scheduling/indexed-heap.ts";

interface Item {
  heapIndex: number;
  rank: number;
}

describe("an indexed heap", () => {
  it("names the first, whatever was added, moved and removed", async () => {
    const step = fc.record({
      kind: fc.constantFrom("add", "add", "remove", "move", "shift"),
      at: fc.nat(100),
      rank: fc.nat(30),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 120, size: "max" }), async (steps) => {
        const heap = new IndexedHeap<Item>((a, b) => a.rank < b.rank);
        const items: Item[] = [];
        for (const { kind, at, rank } of steps) {
          const item = items[at % Math.max(1, items.length)];
          if (kind === "add") {
            const added = { heapIndex: -1, rank };
            items.push(added);
            heap.add(added);
          } else if (item && kind === "move") {
            item.rank = rank;
            heap.update(item);
          } else if (item) {
            const gone = kind === "shift" ? heap.shift() : item;
            if (gone === item && kind === "remove") heap.remove(item);
            items.splice(items.indexOf(gone ?? item), 1);
            expect(gone?.heapIndex).toBe(-1);
          }
          const least = items.length > 0 ? Math.min(...items.map((one) => one.rank)) : undefined;
          expect(heap.peek()?.rank).toBe(least);
          expect(heap.size).toBe(items.length);
        }
      }),
      { numRuns: 200 },
    );
  });
});
