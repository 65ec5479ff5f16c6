import { describe, expect, it } from "vitest";
import { progressBar, progressText, showProgress } from "../../../local/replay/progress.ts";
import { Tally } from "../../../local/replay/tally.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const FACTS = { sent: 300, answered: 100, failed: 25, limit: 500, elapsedMs: 12_340 };

function outputOf(isTTY: boolean) {
  const written: string[] = [];
  return { written, isTTY, columns: 60, write: (text: string) => written.push(text) };
}

describe("progress", () => {
  it("counts what is on its way", () => {
    expect(progressText(FACTS)).toBe("300 sent, 100 answered, 25 failed, 175 in flight, 12.3 s");
  });

  it("draws what has ended, never beyond the terminal's edge or a full bar", () => {
    expect(progressBar(FACTS, 200)).toMatch(/^\[#{6}\.{18}\] 300 sent/);
    expect(progressBar(FACTS, 30)).toHaveLength(29);
    expect(progressBar({ ...FACTS, answered: 900 })).toMatch(/^\[#{24}\]/);
  });

  it("redraws one line on a terminal and erases it at the end", async () => {
    const clock = new FakeClock();
    const output = outputOf(true);
    const hide = showProgress(new Tally(), { output, clock, limit: 10 });
    await clock.advance(400);
    hide();
    expect(output.written).toHaveLength(3);
    expect(output.written.every((text) => text.startsWith("\r\u001b[2K"))).toBe(true);
    expect(output.written.join("")).not.toContain("\n");
    expect(clock.pending).toBe(0);
  });

  it("prints a plain line every five seconds elsewhere", async () => {
    const clock = new FakeClock();
    const output = outputOf(false);
    const hide = showProgress(new Tally(), { output, clock, limit: 10 });
    await clock.advance(11_000);
    hide();
    expect(output.written).toEqual([
      "0 sent, 0 answered, 0 failed, 0 in flight, 5.0 s\n",
      "0 sent, 0 answered, 0 failed, 0 in flight, 10.0 s\n",
    ]);
    expect(clock.pending).toBe(0);
  });
});
