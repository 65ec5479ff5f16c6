import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LazyHeap } from "../../../local/broker/entity/lazy-heap.ts";

interface Item {
  key: number;
  isLive: boolean;
}

const heapOf = () =>
  new LazyHeap<Item>({ keyOf: ({ key }) => key, isLive: ({ isLive }) => isLive });

describe("a heap whose items go stale", () => {
  it("gives its live items in the order of their keys", () => {
    const steps = fc.array(fc.record({ key: fc.integer(), isLive: fc.boolean() }), {
      maxLength: 500,
    });
    fc.assert(
      fc.property(steps, (given) => {
        const heap = heapOf();
        const items = given.map((item) => ({ ...item, isLive: true }));
        for (const item of items) heap.push(item);
        for (const [index, item] of items.entries()) item.isLive = given[index]?.isLive === true;
        const expected = items.filter(({ isLive }) => isLive).map(({ key }) => key);
        const taken: number[] = [];
        for (let item = heap.pop(); item; item = heap.pop()) taken.push(item.key);
        expect(taken).toEqual(expected.sort((a, b) => a - b));
        expect(heap.isEmpty).toBe(true);
      }),
    );
  });

  it("does not grow with items that went stale behind a live one", () => {
    let live = 0;
    const heap = new LazyHeap<Item>({
      keyOf: ({ key }) => key,
      isLive: (item) => {
        live += 1;
        return item.isLive;
      },
    });
    heap.push({ key: -1, isLive: true });
    for (let key = 0; key < 10_000; key++) {
      const item = { key, isLive: true };
      heap.push(item);
      item.isLive = false;
    }
    live = 0;
    heap.pop();
    heap.pop();
    // Each item left over is looked at once.
    expect(live).toBeLessThan(200);
  });
});
