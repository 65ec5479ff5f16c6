import { describe, expect, it } from "vitest";
import { GatewayError } from "../../../shared/core/errors.ts";
import {
  DocumentError,
  documentReader,
  LiveDocument,
  LiveSnapshot,
  type Loaded,
  type ParsedContent,
  type Presence,
} from "../../../shared/documents/index.ts";
import type { TelemetryEvent } from "../../../shared/telemetry/index.ts";
import { FakeClock, settle } from "../../support/fake-clock.ts";
import { changed, ScriptedSource } from "./scripted-source.ts";

interface Parts {
  settings: string;
  users: string | undefined;
}

const asText = (text: string): ParsedContent<string> =>
  text === "bad" ? { ok: false, problems: ["bad"] } : { ok: true, value: text, warnings: [] };

function setUp() {
  const clock = new FakeClock();
  const stop = new AbortController();
  const events: TelemetryEvent[] = [];
  const emit = (event: TelemetryEvent): void => void events.push(event);
  const live = <Value>(name: string, source: ScriptedSource, presence: Presence<Value>) =>
    new LiveDocument<Value | string>({
      name,
      reader: documentReader(source, asText),
      presence,
      clock,
      random: () => 0,
      emit,
      signal: stop.signal,
    });
  const sources = { settings: new ScriptedSource(), users: new ScriptedSource() };
  sources.settings.next = changed("s1");
  sources.users.next = changed("u1");
  const snapshot = new LiveSnapshot<Parts, Readonly<Parts>>({
    documents: {
      settings: live<string>("settings", sources.settings, { required: true }),
      users: live<undefined>("users", sources.users, { required: false, initial: undefined }),
    },
    compose: (parts) => {
      if (parts.settings === "s-unfit") throw new Error("settings and users do not fit");
      return Object.freeze({ ...parts });
    },
    emit,
  });
  return { clock, stop, events, sources, snapshot };
}

function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("a live snapshot", () => {
  it("is one object, the same until a document changes, and never changed in place", async () => {
    const { sources, snapshot } = setUp();
    await snapshot.start();
    const before = snapshot.current();
    expect(before).toEqual({ settings: "s1", users: "u1" });
    await snapshot.refresh();
    sources.users.next = changed("u2");
    await snapshot.refresh();
    expect(before).toEqual({ settings: "s1", users: "u1" });
    expect(snapshot.current()).toEqual({ settings: "s1", users: "u2" });
    const after = snapshot.current();
    sources.users.next = { changed: false };
    sources.settings.next = changed("bad");
    await snapshot.refresh();
    expect(snapshot.current()).toBe(after);
  });

  it("refuses requests, with a time to wait, while a required document was never loaded", async () => {
    const { clock, sources, snapshot } = setUp();
    sources.settings.next = new DocumentError("away");
    await snapshot.start();
    const error = thrownBy(() => snapshot.current());
    expect(error).toBeInstanceOf(GatewayError);
    expect(error).toMatchObject({ code: "policy-unavailable", retryAfterMs: 3000 });
    sources.settings.next = changed("s1");
    await clock.advance(3_000);
    expect(snapshot.current()).toEqual({ settings: "s1", users: "u1" });
  });

  it("stands on the initial values of optional documents that cannot be loaded", async () => {
    const { sources, snapshot } = setUp();
    sources.users.next = new DocumentError("away");
    await snapshot.start();
    expect(snapshot.current()).toEqual({ settings: "s1", users: undefined });
    const { documents } = snapshot.status();
    expect(documents.map(({ name, isStale }) => [name, isStale])).toEqual([
      ["settings", false],
      ["users", true],
    ]);
  });

  it("swaps what one refresh brings in together, never one document before the other", async () => {
    const { sources, snapshot } = setUp();
    await snapshot.start();
    let answer: (loaded: Loaded<string>) => void = () => {};
    sources.settings.next = changed("s2");
    sources.users.next = () => new Promise((resolve) => (answer = resolve));
    const refreshing = snapshot.refresh();
    await settle();
    expect(snapshot.status().documents[0]?.version).toBe("s2");
    expect(snapshot.current()).toEqual({ settings: "s1", users: "u1" });
    answer(changed("u2"));
    await refreshing;
    expect(snapshot.current()).toEqual({ settings: "s2", users: "u2" });
  });

  it("stands on initial values alone when no document can be loaded, but not before it has tried", async () => {
    const clock = new FakeClock();
    const source = new ScriptedSource();
    const emit = (): void => {};
    const only = new LiveDocument<string>({
      name: "only",
      reader: documentReader(source, asText),
      presence: { required: false, initial: "nothing" },
      clock,
      random: () => 0,
      emit,
      signal: new AbortController().signal,
    });
    const snapshot = new LiveSnapshot({ documents: { only }, compose: (parts) => parts, emit });
    expect(thrownBy(() => snapshot.current())).toMatchObject({ code: "policy-unavailable" });
    await snapshot.start();
    expect(snapshot.current()).toEqual({ only: "nothing" });
  });

  it("keeps the last object when documents that are each right do not fit together", async () => {
    const { sources, snapshot, events } = setUp();
    await snapshot.start();
    sources.settings.next = changed("s-unfit");
    await snapshot.refresh();
    expect(snapshot.current()).toEqual({ settings: "s1", users: "u1" });
    expect(snapshot.status().lastError).toBe("settings and users do not fit");
    expect(events.map(({ event }) => event)).toContain("snapshot.rejected");
    sources.settings.next = changed("s2");
    await snapshot.refresh();
    expect(snapshot.current().settings).toBe("s2");
    expect(snapshot.status().lastError).toBeUndefined();
  });

  it("starts its documents once and stops them with their signal", async () => {
    const { clock, stop, sources, snapshot } = setUp();
    await Promise.all([snapshot.start(), snapshot.start()]);
    expect([sources.settings.loads, sources.users.loads]).toEqual([1, 1]);
    expect(clock.pending).toBe(2);
    stop.abort();
    expect(clock.pending).toBe(0);
  });
});
