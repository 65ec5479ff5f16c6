import { afterEach, describe, expect, it, vi } from "vitest";
import { ReplyInbox } from "../../../shared/messaging/index.ts";
import { FakeBus } from "../../support/fake-bus.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { listenerCount } from "../../support/listener-count.ts";

const reply = (requestId: string) => ({
  requestId,
  status: 200,
  headers: [],
  body: { text: "hi" },
});
const { signal: never } = new AbortController();
const RECONNECT_MS = 250;
const opened: ReplyInbox[] = [];

function open() {
  const bus = new FakeBus();
  const clock = new FakeClock();
  const onUnclaimed = vi.fn();
  const onLost = vi.fn();
  const inbox = new ReplyInbox({
    bus: bus.asServiceBus,
    queue: "replies",
    sessionId: "gateway-1",
    clock,
    onUnclaimed,
    onLost,
  });
  opened.push(inbox);
  return { bus, clock, inbox, onUnclaimed, onLost };
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((inbox) => inbox.close()));
});

describe("ReplyInbox", () => {
  it("opens no connection before somebody waits, then one for all", async () => {
    const { bus, clock, inbox } = open();
    await clock.advance(0);
    expect(bus.sessions).toEqual([]);
    void inbox.expect("a", never);
    void inbox.expect("b", never);
    await clock.advance(0);
    expect(bus.sessions.map(({ sessionId }) => sessionId)).toEqual(["gateway-1"]);
  });

  it("brings each reply to the request that it answers", async () => {
    const { bus, clock, inbox } = open();
    const a = inbox.expect("a", never);
    const b = inbox.expect("b", never);
    await clock.advance(0);
    await bus.session.deliver(reply("b"));
    await bus.session.deliver(reply("a"));
    await expect(a).resolves.toEqual(reply("a"));
    await expect(b).resolves.toEqual(reply("b"));
    expect(inbox.waiting).toBe(0);
  });

  it("reports a reply that nobody waits for, or waits for no more", async () => {
    const { bus, clock, inbox, onUnclaimed } = open();
    const a = inbox.expect("a", never);
    await clock.advance(0);
    await bus.session.deliver(reply("a"));
    await bus.session.deliver(reply("a"));
    await a;
    expect(onUnclaimed).toHaveBeenCalledExactlyOnceWith(reply("a"));
  });

  it("forgets whoever leaves, with the reason of their signal", async () => {
    const { inbox } = open();
    const leaving = new AbortController();
    const a = inbox.expect("a", leaving.signal);
    expect(inbox.hasLeft("gateway-1", "a")).toBe(false);
    leaving.abort(new Error("gone"));
    await expect(a).rejects.toThrow("gone");
    expect(inbox.waiting).toBe(0);
    expect(inbox.hasLeft("gateway-1", "a")).toBe(true);
    expect(inbox.hasLeft("gateway-2", "a")).toBe(false);
  });

  it("does not wait for whoever has left already", async () => {
    const { inbox } = open();
    await expect(inbox.expect("a", AbortSignal.abort(new Error("gone")))).rejects.toThrow("gone");
    expect(inbox.waiting).toBe(0);
  });

  it("leaves no listener on the signals of those it served", async () => {
    const { bus, clock, inbox } = open();
    const { signal } = new AbortController();
    const a = inbox.expect("a", signal);
    await clock.advance(0);
    await bus.session.deliver(reply("a"));
    await a;
    expect(listenerCount(signal)).toBe(0);
  });

  it("takes the session again after the connection was lost, and goes on serving", async () => {
    const { bus, clock, inbox, onLost } = open();
    const a = inbox.expect("a", never);
    await clock.advance(0);
    const first = bus.session;
    await first.fail(new Error("link lost"));
    await clock.advance(0);
    expect(first.isClosed).toBe(true);
    expect(onLost).toHaveBeenCalledExactlyOnceWith(new Error("link lost"));
    await clock.advance(RECONNECT_MS);
    expect(bus.sessions).toHaveLength(2);
    await bus.session.deliver(reply("a"));
    await expect(a).resolves.toEqual(reply("a"));
  });

  it("takes the session again though the lost one never finishes closing", async () => {
    const { bus, clock, inbox } = open();
    const a = inbox.expect("a", never);
    await clock.advance(0);
    bus.session.hangsOnClose = true;
    await bus.session.fail(new Error("link lost"));
    await expect
      .poll(async () => {
        await clock.advance(RECONNECT_MS);
        return bus.sessions.length;
      })
      .toBe(2);
    await bus.session.deliver(reply("a"));
    await expect(a).resolves.toEqual(reply("a"));
  });

  it("tries again, with a pause, for as long as the session cannot be had", async () => {
    const { bus, clock, inbox, onLost } = open();
    bus.acceptError = new Error("held by another");
    const a = inbox.expect("a", never);
    await clock.advance(4 * RECONNECT_MS);
    expect(onLost).toHaveBeenCalledTimes(5);
    bus.acceptError = undefined;
    await clock.advance(RECONNECT_MS);
    await bus.session.deliver(reply("a"));
    await expect(a).resolves.toEqual(reply("a"));
  });

  it("renews the lock of its session for as long as it lives", async () => {
    const { bus, clock, inbox } = open();
    void inbox.expect("a", never);
    await clock.advance(60_000);
    expect(bus.session.renewals).toBe(4);
    expect(bus.sessions).toHaveLength(1);
  });

  it("takes the session again when the lock cannot be renewed", async () => {
    const { bus, clock, inbox, onLost } = open();
    void inbox.expect("a", never);
    await clock.advance(0);
    const first = bus.session;
    first.renewalError = new Error("lock lost");
    await clock.advance(15_000 + RECONNECT_MS);
    expect(onLost).toHaveBeenCalledExactlyOnceWith(new Error("lock lost"));
    expect(first.isClosed).toBe(true);
    expect(bus.sessions).toHaveLength(2);
  });

  it("keeps its session when a reply cannot be read", async () => {
    const { bus, clock, inbox, onLost } = open();
    const a = inbox.expect("a", never);
    await clock.advance(0);
    await bus.session.deliver("rubbish");
    await bus.session.deliver(reply("a"));
    await expect(a).resolves.toEqual(reply("a"));
    expect(onLost).toHaveBeenCalledOnce();
    expect(bus.sessions).toHaveLength(1);
  });

  it("takes the session again when its link is gone, though the SDK calls that a failed callback", async () => {
    const { bus, clock, inbox, onLost } = open();
    const a = inbox.expect("a", never);
    await clock.advance(0);
    const gone = new Error("Cannot request messages on the receiver");
    await bus.session.fail(gone, "processMessageCallback");
    await clock.advance(RECONNECT_MS);
    expect(onLost).toHaveBeenCalledExactlyOnceWith(gone);
    expect(bus.sessions).toHaveLength(2);
    await bus.session.deliver(reply("a"));
    await expect(a).resolves.toEqual(reply("a"));
  });

  it("says nothing of a link that goes while it is closed", async () => {
    const { bus, clock, inbox, onLost } = open();
    void inbox.expect("a", never);
    await clock.advance(0);
    const closed = inbox.close();
    await bus.session.fail(new Error("Cannot request messages"), "processMessageCallback");
    await closed;
    expect(onLost).not.toHaveBeenCalled();
  });

  it("ends its session and its timers when it is closed", async () => {
    const { bus, clock, inbox, onLost } = open();
    void inbox.expect("a", never);
    await clock.advance(0);
    await inbox.close();
    expect(bus.session.isClosed).toBe(true);
    expect(clock.pending).toBe(0);
    await clock.advance(60_000);
    expect(bus.sessions).toHaveLength(1);
    expect(onLost).not.toHaveBeenCalled();
  });

  it("closes while it waits to connect again", async () => {
    const { bus, clock, inbox } = open();
    bus.acceptError = new Error("away");
    void inbox.expect("a", never);
    await clock.advance(10);
    await inbox.close();
    expect(clock.pending).toBe(0);
  });

  it("closes though it was never used", async () => {
    await expect(open().inbox.close()).resolves.toBeUndefined();
  });
});
