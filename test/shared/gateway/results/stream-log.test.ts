import { describe, expect, it } from "vitest";
import { batchLimits, writeStreamLog } from "../../../../shared/gateway/results/stream-log.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

function openLog() {
  const blocks: string[] = [];
  const log = {
    isAway: false,
    async append(bytes: Uint8Array): Promise<void> {
      if (log.isAway) throw new Error("away");
      blocks.push(Buffer.from(bytes).toString());
    },
  };
  return { blocks, log };
}

/** A body that is fed by hand. */
function openBody() {
  const waiting: PromiseWithResolvers<Uint8Array | undefined>[] = [Promise.withResolvers()];
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; ; at++) {
      const chunk = await waiting[at]?.promise;
      if (!chunk) return;
      yield chunk;
    }
  }
  const settle = (chunk: Uint8Array | undefined): void => {
    const last = waiting.at(-1);
    waiting.push(Promise.withResolvers());
    last?.resolve(chunk);
  };
  return {
    body: chunks(),
    send: (text: string) => settle(Buffer.from(text)),
    end: () => settle(undefined),
  };
}

const MIB = 1024 * 1024;

describe("a stream that is kept as it comes", () => {
  it("is written when its first byte has waited long enough, many chunks at once", async () => {
    const clock = new FakeClock();
    const [{ blocks, log }, { body, send, end }] = [openLog(), openBody()];
    const writing = writeStreamLog(log, body, clock);
    send("a");
    send("b");
    await clock.advance(149);
    expect(blocks).toEqual([]);
    await clock.advance(1);
    expect(blocks).toEqual(["ab"]);
    send("c");
    end();
    expect(await writing).toBe(3);
    expect([blocks, clock.pending]).toEqual([["ab", "c"], 0]);
  });

  it("is written at once when much has come, in blocks that the service takes", async () => {
    const clock = new FakeClock();
    const [{ blocks, log }, { body, send, end }] = [openLog(), openBody()];
    const writing = writeStreamLog(log, body, clock);
    send("x".repeat(9 * MIB));
    end();
    await writing;
    expect(blocks.map((block) => block.length / MIB)).toEqual([4, 4, 1]);
  });

  it("fails when it cannot be written, and leaves no timer", async () => {
    const clock = new FakeClock();
    const [{ log }, { body, send, end }] = [openLog(), openBody()];
    log.isAway = true;
    const writing = writeStreamLog(log, body, clock);
    const failed = expect(writing).rejects.toThrow("away");
    send("a");
    await clock.advance(150);
    send("b");
    end();
    await failed;
    expect(clock.pending).toBe(0);
  });

  it("fits into the blocks of a blob though it lasts for two days, or has gigabytes", () => {
    let [lastsMs, bytes] = [0, 0];
    for (let blocks = 0; blocks < 50_000; blocks++) {
      const limits = batchLimits(blocks);
      expect(limits.bytes).toBeLessThanOrEqual(4 * MIB);
      lastsMs += limits.delayMs;
      bytes += limits.bytes;
    }
    expect(lastsMs).toBeGreaterThan(2 * 24 * 60 * 60 * 1000);
    expect(bytes).toBeGreaterThan(30_000 * MIB);
    expect(batchLimits(9_999).delayMs).toBe(150);
  });
});
