import { expect, test } from "vitest";
import { TransientMap } from "../../../shared/core/transient-map.ts";

test("what is in it is found by its key, in the order in which it came", () => {
  const map = new TransientMap<string, number>();
  map.set("first", 1);
  map.set("second", 2);
  map.set("first", 3);
  expect(map.get("first")).toBe(3);
  expect(map.size).toBe(2);
  expect([...map.values()]).toEqual([3, 2]);
});

test("what was deleted is gone, and comes last when it comes again", () => {
  const map = new TransientMap<string, number>();
  map.set("first", 1);
  map.set("second", 2);
  expect(map.delete("first")).toBe(true);
  expect(map.delete("first")).toBe(false);
  expect(map.get("first")).toBeUndefined();
  map.set("first", 4);
  expect([...map.values()]).toEqual([2, 4]);
});

test("what goes while all are gone through is not met any more", () => {
  const map = new TransientMap<number, string>();
  for (const key of [1, 2, 3]) map.set(key, `value ${key}`);
  const met: string[] = [];
  for (const value of map.values()) {
    met.push(value);
    map.delete(2);
  }
  expect(met).toEqual(["value 1", "value 3"]);
});
