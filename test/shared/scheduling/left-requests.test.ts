import { describe, expect, it } from "vitest";
import { LeftRequests } from "../../../shared/scheduling/index.ts";
import { FakeClock } from "../../support/fake-clock.ts";

function open() {
  const clock = new FakeClock();
  return { clock, left: new LeftRequests(clock) };
}

describe("requests whose clients have left", () => {
  it("are known until their messages have come", () => {
    const { clock, left } = open();
    left.add("a", clock.now() + 1000);
    expect([left.has("a"), left.has("b")]).toEqual([true, false]);
    left.forget("a");
    expect([left.has("a"), left.local()]).toEqual([false, []]);
  });

  it("are told no longer than their messages may come", async () => {
    const { clock, left } = open();
    left.add("long", clock.now() + 2000);
    left.add("short", clock.now() + 1000);
    expect(left.local()).toEqual(["long", "short"]);
    await clock.advance(1000);
    expect(left.local()).toEqual(["long"]);
    expect(left.has("short")).toBe(false);
  });

  it("are known of other instances for as long as those tell of them", () => {
    const { left } = open();
    left.replaceRemote(["a", "b"]);
    expect(left.has("a")).toBe(true);
    left.replaceRemote(["b"]);
    expect([left.has("a"), left.has("b"), left.local()]).toEqual([false, true, []]);
  });

  it("are told at once to whoever runs them, wherever they left, and to nobody who has ended that", () => {
    const { clock, left } = open();
    const heard: string[] = [];
    const ends = ["a", "b", "c"].map((id) => left.watch(id, () => void heard.push(id)));
    left.add("a", clock.now() + 1000);
    left.replaceRemote(["b", "x"]);
    expect(heard).toEqual(["a", "b"]);
    for (const end of ends) end();
    left.add("c", clock.now() + 1000);
    left.replaceRemote(["b", "c"]);
    expect(heard).toEqual(["a", "b"]);
  });

  it("take no more memory than the newest two thousand of them do", () => {
    const { clock, left } = open();
    for (let n = 0; n < 2010; n++) left.add(`request-${n}`, clock.now() + 1000);
    expect(left.local()).toHaveLength(2000);
    expect([left.has("request-9"), left.has("request-10")]).toEqual([false, true]);
  });
});
