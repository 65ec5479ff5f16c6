import { describe, expect, it } from "vitest";
import { emitBehind, type TelemetryEvent } from "../../../shared/telemetry/index.ts";

function createTeller() {
  const told: string[] = [];
  const turns: (() => void)[] = [];
  const emit = emitBehind(
    ({ event }) => void told.push(event),
    (callback) => void turns.push(callback),
  );
  return {
    told,
    turns,
    emit: (event: string, level: TelemetryEvent["level"] = "info") => emit({ event, level }),
    endTurn: () => {
      for (const callback of turns.splice(0)) callback();
    },
  };
}

describe("what is told behind a turn", () => {
  it("is told in its order when the turn is over, by one callback", () => {
    const { told, turns, emit, endTurn } = createTeller();
    emit("a");
    emit("b");
    expect([told, turns.length]).toEqual([[], 1]);
    endTurn();
    expect(told).toEqual(["a", "b"]);
    emit("c");
    endTurn();
    expect(told).toEqual(["a", "b", "c"]);
  });

  it("is told at once where it is more than information, behind what came before", () => {
    const { told, emit, endTurn } = createTeller();
    emit("a");
    emit("failed", "error");
    expect(told).toEqual(["a", "failed"]);
    emit("b");
    expect(told).toEqual(["a", "failed"]);
    endTurn();
    expect(told).toEqual(["a", "failed", "b"]);
  });

  it("is told of what is told meanwhile, too", () => {
    const told: string[] = [];
    const turns: (() => void)[] = [];
    const emit = emitBehind(
      ({ event }) => {
        told.push(event);
        if (event === "a") emit({ event: "of a", level: "info" });
      },
      (callback) => void turns.push(callback),
    );
    emit({ event: "a", level: "info" });
    while (turns.length > 0) turns.shift()?.();
    expect(told).toEqual(["a", "of a"]);
  });
});
