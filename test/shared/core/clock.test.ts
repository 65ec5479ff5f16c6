import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { delay, systemClock } from "../../../shared/core/clock.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { listenerCount } from "../../support/listener-count.ts";

describe("delay", () => {
  it("resolves when its time has come, and not before", async () => {
    const clock = new FakeClock();
    const onDone = vi.fn();
    const waiting = delay(clock, 100).then(onDone);
    await clock.advance(99);
    expect(onDone).not.toHaveBeenCalled();
    await clock.advance(1);
    expect(onDone).toHaveBeenCalledOnce();
    await waiting;
  });

  it("rejects with the signal's reason and leaves no timer behind", async () => {
    const clock = new FakeClock();
    const controller = new AbortController();
    const waiting = delay(clock, 100, controller.signal);
    controller.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    expect(clock.pending).toBe(0);
  });

  it("rejects at once when the signal has aborted already", async () => {
    const clock = new FakeClock();
    await expect(delay(clock, 100, AbortSignal.abort(new Error("late")))).rejects.toThrow("late");
    expect(clock.pending).toBe(0);
  });

  it("removes its listener however it ends", async () => {
    const clock = new FakeClock();
    const { signal } = new AbortController();
    const waiting = delay(clock, 100, signal);
    expect(listenerCount(signal)).toBe(1);
    await clock.advance(100);
    await waiting;
    expect(listenerCount(signal)).toBe(0);
  });
});

describe("systemClock", () => {
  it("waits longer than a timer can by arming it again", () => {
    vi.useFakeTimers();
    try {
      const thirtyDaysMs = 30 * 86_400_000;
      const callback = vi.fn();
      systemClock.schedule(thirtyDaysMs, callback);
      vi.advanceTimersByTime(thirtyDaysMs - 1);
      expect(callback).not.toHaveBeenCalled();
      vi.advanceTimersByTime(1);
      expect(callback).toHaveBeenCalledOnce();
    } finally {
      vi.useRealTimers();
    }
  });

  it("forgets what is cancelled, also after it was armed again", () => {
    vi.useFakeTimers();
    try {
      const callback = vi.fn();
      const cancel = systemClock.schedule(30 * 86_400_000, callback);
      vi.advanceTimersByTime(26 * 86_400_000);
      cancel();
      cancel();
      expect(vi.getTimerCount()).toBe(0);
      expect(callback).not.toHaveBeenCalled();
    } finally {
      vi.useRealTimers();
    }
  });

  it("lets a process that was held up read what came in, before it calls anybody late", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const client = connect(port, "127.0.0.1");
    const ends = await Promise.all([once(server, "connection"), once(client, "connect")]);
    const peer = ends[0][0] as Socket;
    onTestFinished(() => {
      client.destroy();
      server.close();
    });
    const calls: string[] = [];
    const cancel = systemClock.schedule(0, () => calls.push("late"));
    const over = new Promise<void>((resolve) => {
      systemClock.schedule(0, () => {
        calls.push("timer");
        resolve();
      });
    });
    client.once("data", () => {
      calls.push("data");
      cancel();
    });
    // Sent before the timers are due, and not read: nothing else runs meanwhile.
    peer.write("in time");
    holdUp(400);
    await over;
    expect(calls).toEqual(["data", "timer"]);
  });
});

function holdUp(durationMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
}
