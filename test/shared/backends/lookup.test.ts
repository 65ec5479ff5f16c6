import type { LookupAddress, LookupOptions } from "node:dns";
import type { LookupFunction } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { createCachedLookup, createPinnedLookup } from "../../../shared/backends/lookup.ts";
import { eventually } from "../../support/eventually.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { hostWith } from "../../support/hosts.ts";
import { headOf } from "../../support/raw-backend.ts";
import { callTo, openBackend, openClient, readOut } from "./client-world.ts";

type Answer = string | LookupAddress[] | Error;

const lookUp = (lookup: LookupFunction, name: string, options: LookupOptions = {}) =>
  new Promise<Answer>((resolve) => {
    lookup(name, options, (error, address) => resolve(error ?? address));
  });

const v4 = (address: string): LookupAddress => ({ address, family: 4 });

function world(refreshMs = 1000) {
  const clock = new FakeClock();
  const asked: string[] = [];
  let answer: LookupAddress[] | Error = [v4("10.0.0.1")];
  const lookup = createCachedLookup(clock, refreshMs, (name, callback) => {
    asked.push(name);
    const given = answer;
    setImmediate(() => (given instanceof Error ? callback(given, []) : callback(null, given)));
  });
  const say = (next: LookupAddress[] | Error): void => {
    answer = next;
  };
  return { clock, asked, lookup, say };
}

describe("a cached lookup", () => {
  it("asks once an interval, and then follows a name to its new address", async () => {
    const { clock, asked, lookup, say } = world();
    expect(await lookUp(lookup, "a.test")).toBe("10.0.0.1");
    say([v4("10.0.0.2")]);
    await clock.advance(999);
    expect(await lookUp(lookup, "a.test")).toBe("10.0.0.1");
    await clock.advance(1);
    expect(await lookUp(lookup, "a.test")).toBe("10.0.0.2");
    expect(asked).toHaveLength(2);
  });

  it("asks once for all who want to know at the same time", async () => {
    const { asked, lookup } = world();
    const names = ["a.test", "a.test", "b.test", "a.test"];
    await Promise.all(names.map((name) => lookUp(lookup, name)));
    expect(asked).toEqual(["a.test", "b.test"]);
  });

  it("keeps the last addresses while the resolver fails, and fails only without any", async () => {
    const { clock, lookup, say } = world();
    await lookUp(lookup, "a.test");
    await clock.advance(5000);
    say(new Error("no resolver"));
    expect(await lookUp(lookup, "a.test")).toBe("10.0.0.1");
    expect(await lookUp(lookup, "b.test")).toMatchObject({ message: "no resolver" });
  });

  it("answers as it is asked: all addresses, or the first of a family", async () => {
    const { lookup, say } = world();
    const all = [{ address: "::1", family: 6 }, v4("10.0.0.1")];
    say(all);
    expect(await lookUp(lookup, "a.test", { all: true })).toEqual(all);
    expect(await lookUp(lookup, "a.test", { family: 4 })).toBe("10.0.0.1");
    say([v4("10.0.0.1")]);
    expect(await lookUp(lookup, "b.test", { family: 6 })).toMatchObject({ code: "ENOTFOUND" });
  });
});

describe("a pinned lookup", () => {
  it.each([
    ["10.1.2.3", 4],
    ["::1", 6],
  ])("knows %s only", async (address, family) => {
    const lookup = createPinnedLookup(address);
    expect(await lookUp(lookup, "any.test", { all: true })).toEqual([{ address, family }]);
  });
});

describe("a call to a host with an address of its own", () => {
  const ok = `${headOf("200 OK", "Content-Length: 2")}ok`;

  it("goes there under the host's own name and port", async () => {
    const backend = await openBackend(({ socket }) => void socket.write(ok));
    const host = hostWith({
      origin: `http://svc.test:${backend.port}`,
      ipAddress: "127.0.0.1",
    });
    const answer = await openClient().call({ ...callTo(backend), host });
    expect(await readOut(answer.body)).toEqual({ text: "ok" });
    expect(backend.requests[0]?.head).toMatch(
      new RegExp(`^host: svc\\.test:${backend.port}$`, "im"),
    );
  });
});

describe("connections that have become old", () => {
  it("are kept for another request until it could find them too old", async () => {
    const clock = new FakeClock();
    const backend = await openBackend(
      ({ socket }) => void socket.write(`${headOf("200 OK", "Content-Length: 2")}ok`),
    );
    const client = openClient({ clock, dnsRefreshMs: 100_000 });
    const connection = async (): Promise<number | undefined> => {
      await readOut((await client.call(callTo(backend))).body);
      // Undici keeps a connection apart for a turn of the loop, should its backend not keep its word.
      for (let turns = 0; turns < 3; turns++) await nextTurn();
      return backend.requests.at(-1)?.connection;
    };
    expect(await connection()).toBe(1);
    await clock.advance(74_999);
    expect(await connection()).toBe(1);
    await clock.advance(1);
    expect(await connection()).toBe(1);
    expect(await connection()).toBe(2);
  });

  it("are kept idle for no longer because their backend offers to keep them", async () => {
    const head = headOf("200 OK", "Content-Length: 2", "Keep-Alive: timeout=600");
    const backend = await openBackend(({ socket }) => void socket.write(`${head}ok`));
    const client = openClient({ dnsRefreshMs: 1000 });
    await readOut((await client.call(callTo(backend))).body);
    await eventually(() => backend.open.size).toBe(0);
  });

  it("are not asked for their age by requests that do not go out on them", async () => {
    const backend = await openBackend(({ socket, text }) => {
      const length = text.startsWith("GET /open") ? 4 : 2;
      socket.write(`${headOf("200 OK", `Content-Length: ${length}`)}ok`);
    });
    const client = openClient();
    const askedOf = async (): Promise<number> => {
      const now = vi.spyOn(Date, "now");
      await readOut((await client.call(callTo(backend))).body);
      const { length } = now.mock.calls;
      now.mockRestore();
      return length;
    };
    await askedOf();
    const alone = await askedOf();
    const open = Array.from({ length: 50 }, () =>
      client.call(callTo(backend, { target: "/open" })),
    );
    for (const answer of open) await answer;
    await askedOf();
    expect(await askedOf()).toBeLessThan(alone + 10);
  });

  it("end with what they serve, and later calls get new ones", async () => {
    const rest = Promise.withResolvers<void>();
    const backend = await openBackend(async ({ socket, text }) => {
      if (!text.startsWith("GET /slow"))
        return void socket.write(`${headOf("200 OK", "Content-Length: 2")}ok`);
      socket.write(`${headOf("200 OK", "Content-Length: 4")}sl`);
      await rest.promise;
      socket.write("ow");
    });
    const client = openClient({ dnsRefreshMs: 1 });
    const slow = await client.call(callTo(backend, { target: "/slow" }));
    await expect
      .poll(async () => {
        await readOut((await client.call(callTo(backend))).body);
        return backend.requests.at(-1)?.connection;
      })
      .toBeGreaterThan(2);
    rest.resolve();
    expect(await readOut(slow.body)).toEqual({ text: "slow" });
    await eventually(() => backend.open.size).toBeLessThanOrEqual(1);
  });
});
