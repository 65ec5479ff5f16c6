import { describe, expect, it } from "vitest";
import { play } from "./play.ts";

const CALM_AT_MS = 60_000;
const away = { from: 12_000, until: 55_000 };
const ALL = { refused: 0.03, lost: 0.03, doubled: 0.05, killed: 0.004 };

// Each world is what its seed makes of it, so that whoever changes something sees the same as everybody.
const WORLDS = [
  { name: "nothing goes wrong", mode: "queued", seed: 54, odds: {} },
  { name: "everything goes wrong", mode: "queued", seed: 7, odds: ALL },
  { name: "everything goes wrong", mode: "auto", seed: 8, odds: ALL },
  { name: "storage is away", mode: "queued", seed: 2, odds: {}, part: "storage" },
  { name: "the bus is away", mode: "queued", seed: 1, odds: {}, part: "bus" },
] as const;

describe("whatever is answered 202", () => {
  it.each(WORLDS)("ends once, whole and with one last event: $name ($mode)", async (world) => {
    const { mode, seed, odds } = world;
    const outages = "part" in world ? [{ part: world.part, ...away }] : [];
    const settings = { GATEWAY_SYNC_MODE: mode };
    expect(await play({ seed, odds, outages, settings, calmAt: CALM_AT_MS })).toEqual([]);
  });
});
