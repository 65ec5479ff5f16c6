import { describe, expect, it, vi } from "vitest";
import { CachingTokenSource, type FetchToken } from "../../../shared/backends/token-source.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { listenerCount } from "../../support/listener-count.ts";

const HOUR_MS = 3_600_000;
const { signal: never } = new AbortController();

/** Tokens `t1`, `t2`, ... that live for an hour. */
function hourly() {
  const clock = new FakeClock();
  let count = 0;
  const fetchToken = vi.fn<FetchToken>(async () => {
    count += 1;
    return { token: `t${count}`, expiresAt: clock.now() + HOUR_MS };
  });
  return {
    clock,
    fetchToken,
    source: new CachingTokenSource({ clock, random: () => 0, fetchToken }),
  };
}

describe("CachingTokenSource", () => {
  it("fetches a token once for as long as it is young", async () => {
    const { clock, fetchToken, source } = hourly();
    expect(await source.token("a", never)).toBe("t1");
    await clock.advance(HOUR_MS / 2);
    expect(await source.token("a", never)).toBe("t1");
    expect(fetchToken).toHaveBeenCalledOnce();
  });

  it("keeps one token for each scope", async () => {
    const { source } = hourly();
    expect(await source.token("a", never)).toBe("t1");
    expect(await source.token("b", never)).toBe("t2");
    expect(await source.token("a", never)).toBe("t1");
  });

  it("lets all who come at once share one fetch", async () => {
    const { fetchToken, source } = hourly();
    const tokens = await Promise.all([1, 2, 3].map(() => source.token("a", never)));
    expect(tokens).toEqual(["t1", "t1", "t1"]);
    expect(fetchToken).toHaveBeenCalledOnce();
  });

  it("renews a token ahead of its end, and lets nobody wait for that", async () => {
    const { clock, fetchToken, source } = hourly();
    await source.token("a", never);
    await clock.advance(HOUR_MS - 60_000);
    expect(await source.token("a", never)).toBe("t1");
    await clock.advance(0);
    expect(await source.token("a", never)).toBe("t2");
    expect(fetchToken).toHaveBeenCalledTimes(2);
  });

  it("goes on with a token that lives while no other can be had", async () => {
    const { clock, fetchToken, source } = hourly();
    await source.token("a", never);
    fetchToken.mockRejectedValue(new Error("identity is away"));
    await clock.advance(HOUR_MS - 1);
    expect(await source.token("a", never)).toBe("t1");
    await clock.advance(1);
    const late = expect(source.token("a", never)).rejects.toThrow("identity is away");
    await clock.advance(1000);
    await late;
  });

  it("asks again after a failure", async () => {
    const { clock, fetchToken, source } = hourly();
    fetchToken.mockRejectedValueOnce(new Error("identity is away"));
    await expect(source.token("a", never)).rejects.toThrow("identity is away");
    const again = [1, 2, 3].map(() => source.token("a", never));
    await clock.advance(999);
    expect(fetchToken).toHaveBeenCalledOnce();
    await clock.advance(1);
    expect(await Promise.all(again)).toEqual(["t1", "t1", "t1"]);
    expect(fetchToken).toHaveBeenCalledTimes(2);
  });

  it("asks seldom for a renewal that fails, or that changes nothing", async () => {
    const { clock, fetchToken, source } = hourly();
    const first = { token: "t1", expiresAt: clock.now() + HOUR_MS };
    await source.token("a", never);
    await clock.advance(HOUR_MS - 300_000);
    fetchToken.mockRejectedValueOnce(new Error("identity is away"));
    fetchToken.mockResolvedValue(first);
    for (let second = 0; second < 120; second++) {
      expect(await source.token("a", never)).toBe("t1");
      await clock.advance(1000);
    }
    expect(fetchToken).toHaveBeenCalledTimes(1 + 4);
  });

  it("renews when the identity service wants it, and not all instances at once", async () => {
    const renewedAfter = async (random: number): Promise<number> => {
      const clock = new FakeClock();
      const startedAt = clock.now();
      const fetchToken = vi.fn<FetchToken>(async () => ({
        token: "t",
        expiresAt: clock.now() + 24 * HOUR_MS,
        refreshAt: clock.now() + 12 * HOUR_MS,
      }));
      const source = new CachingTokenSource({ clock, random: () => random, fetchToken });
      while (fetchToken.mock.calls.length < 2) {
        await source.token("a", never);
        await clock.advance(10_000);
      }
      return clock.now() - startedAt - 10_000;
    };
    expect(await renewedAfter(0)).toBe(12 * HOUR_MS);
    expect(await renewedAfter(0.5)).toBe(12 * HOUR_MS + 30_000);
  });

  it("gives another token in the place of one that was refused, unless that is new", async () => {
    const { clock, fetchToken, source } = hourly();
    const token = await source.token("a", never);
    expect(await source.tokenInstead(token, "a", never)).toBeUndefined();
    await clock.advance(30_000);
    const others = await Promise.all([1, 2, 3].map(() => source.tokenInstead(token, "a", never)));
    expect(others).toEqual(["t2", "t2", "t2"]);
    expect(await source.tokenInstead(token, "a", never)).toBe("t2");
    expect(fetchToken).toHaveBeenCalledTimes(2);
    await clock.advance(30_000);
    fetchToken.mockResolvedValue({ token: "t2", expiresAt: clock.now() + HOUR_MS });
    expect(await source.tokenInstead("t2", "a", never)).toBeUndefined();
    expect(await source.tokenInstead("t2", "a", never)).toBeUndefined();
    expect(fetchToken).toHaveBeenCalledTimes(3);
  });

  it("goes on fetching for the others when the first caller leaves", async () => {
    const clock = new FakeClock();
    const fetched = Promise.withResolvers<{ token: string; expiresAt: number }>();
    const fetchToken: FetchToken = (_, signal) => {
      signal.addEventListener("abort", () => fetched.reject(signal.reason));
      return fetched.promise;
    };
    const source = new CachingTokenSource({ clock, random: () => 0, fetchToken });
    const leaving = new AbortController();
    const first = source.token("a", leaving.signal);
    const second = source.token("a", never);
    leaving.abort(new Error("gone"));
    await expect(first).rejects.toThrow("gone");
    fetched.resolve({ token: "t1", expiresAt: clock.now() + HOUR_MS });
    await expect(second).resolves.toBe("t1");
    expect(listenerCount(leaving.signal)).toBe(0);
    expect(clock.pending).toBe(0);
  });

  it("gives up a fetch that never ends, and asks anew", async () => {
    const clock = new FakeClock();
    const fetchToken = vi.fn<FetchToken>(() => new Promise(() => {}));
    const source = new CachingTokenSource({ clock, random: () => 0, fetchToken });
    const waiting = expect(source.token("a", never)).rejects.toThrow("in time");
    await clock.advance(30_000);
    await waiting;
    void source.token("a", never).catch(() => {});
    await clock.advance(1000);
    expect(fetchToken).toHaveBeenCalledTimes(2);
  });

  it("does not fetch with the impatience of a caller who has left", async () => {
    const { source } = hourly();
    const left = AbortSignal.abort(new Error("gone"));
    await expect(source.token("a", left)).rejects.toThrow("gone");
    expect(await source.token("a", never)).toBe("t1");
  });
});
