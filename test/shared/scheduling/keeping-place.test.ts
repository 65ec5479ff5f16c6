import { describe, expect, it } from "vitest";
import { FairHouse } from "./fair-house.ts";

describe("a request that comes again", () => {
  it("is served before those of its user that came after it", async () => {
    const house = new FairHouse();
    await house.send("first");
    const { place } = house.slot("first");
    await house.end("first");
    await house.send("blocker");
    await house.sendAll(["second", "third"]);
    await house.send("first again", { place });
    await house.send("fourth");
    await house.drain();
    expect(house.started).toEqual(["first", "blocker", "first again", "second", "third", "fourth"]);
  });

  it("keeps its place among several that come again, in the order in which they first came", async () => {
    const house = new FairHouse({ capacity: 3 });
    await house.sendAll(["a", "b", "c"]);
    const places = ["a", "b", "c"].map((name) => house.slot(name).place);
    for (const name of ["a", "b", "c"]) await house.end(name);
    await house.sendAll(["x", "y", "z"]);
    await house.send("late");
    await house.send("c again", { place: places[2] });
    await house.send("a again", { place: places[0] });
    await house.send("b again", { place: places[1] });
    await house.drain();
    expect(house.started.slice(6)).toEqual(["a again", "b again", "c again", "late"]);
  });

  it("takes nothing from another user, and leaves a group's order right", async () => {
    const house = new FairHouse();
    await house.send("first", { userId: "u", groupId: "g" });
    const { place } = house.slot("first");
    await house.end("first");
    await house.send("blocker", { userId: "b" });
    await house.sendAll(["u2", "u3"], { userId: "u", groupId: "g" });
    await house.send("v1", { userId: "v" });
    await house.send("u1", { userId: "u", groupId: "g", place });
    await house.drain();
    expect(house.started.indexOf("u1")).toBeLessThan(house.started.indexOf("u2"));
    expect(house.started.indexOf("v1")).toBeLessThan(house.started.indexOf("u2"));
  });
});
