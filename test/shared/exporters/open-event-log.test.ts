import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { EventProducer } from "../../../shared/exporters/event-hub.ts";
import { openEventLog } from "../../../shared/exporters/index.ts";
import { handleRequest } from "../../../shared/gateway/index.ts";
import { type Emit, emitTo, requestFailed } from "../../../shared/telemetry/index.ts";
import { FakeClock, settle } from "../../support/fake-clock.ts";
import { createGateway, requestTo } from "../../support/gateway.ts";
import { settingsWith } from "../../support/settings.ts";
import { textOf } from "../../support/streams.ts";

const folders: string[] = [];
const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "event-log-"));
  folders.push(folder);
  return folder;
};
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

interface FakeHub extends EventProducer {
  readonly sent: Record<string, string>[][];
  isDown: boolean;
  isClosed: boolean;
}

/** A hub whose batches take so many events, and none with a long message. */
function fakeHub(perBatch = 2): FakeHub {
  const hub: FakeHub = {
    sent: [],
    isDown: false,
    isClosed: false,
    async createBatch() {
      const events: Record<string, string>[] = [];
      return {
        events,
        get count() {
          return events.length;
        },
        tryAdd({ body }: { body: Record<string, string> }) {
          if (events.length >= perBatch || (body["Message"] ?? "").length > 1000) return false;
          events.push(body);
          return true;
        },
      };
    },
    async sendBatch(batch) {
      if (hub.isDown) throw new Error("The hub is away.");
      hub.sent.push((batch as unknown as { events: Record<string, string>[] }).events);
    },
    async close() {
      hub.isClosed = true;
    },
  };
  return hub;
}

function logOf(env: Record<string, string>, hub = fakeHub()) {
  const clock = new FakeClock();
  const losses: [string, string, number][] = [];
  let printed = "";
  const sinks = openEventLog({
    settings: settingsWith(env),
    clock,
    lost: (...loss) => losses.push(loss),
    print: (text) => {
      printed += text;
    },
    openHub: async () => hub,
  });
  return {
    emit: emitTo(sinks),
    sinks,
    clock,
    losses,
    hub,
    lines: () =>
      printed
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Record<string, string>),
  };
}

const HUB = { EVENT_LOGGERS: "eventhub", EVENTHUB_NAME: "h", EVENTHUB_NAMESPACE: "ns" };
const failure = (message: string) => requestFailed("r-1", new Error(message));
async function tell(emit: Emit, count: number): Promise<void> {
  for (let number = 0; number < count; number++) emit(failure(`problem ${number}`));
  await settle();
}

describe("the event log of a request", () => {
  const HOSTS = {
    GATEWAY_SYNC_MODE: "direct",
    Host1: "host=https://one.test;mode=direct",
    Host2: "host=https://two.test;mode=direct",
  };
  const SECRET = "Zk9aB3xQ7LmP";

  async function logged(env: Record<string, string>) {
    const settings = { ...HOSTS, EVENT_LOGGERS: "console", ...env };
    const log = logOf(settings);
    const gateway = createGateway(settings);
    gateway.backends.answer(500);
    gateway.backends.answer(
      200,
      '{"model":"m","usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}',
      [
        ["content-type", "application/json"],
        ["x-cost", "7"],
        ["set-cookie", `id=${SECRET}`],
      ],
    );
    const request = requestTo(gateway, {
      target: `/v1/chat/completions?api-key=${SECRET}&x=1`,
      headers: [
        ["Host", "gateway.test"],
        ["User-Agent", `agent/1 token=${SECRET}`],
        ["Authorization", `Bearer ${SECRET}`],
        ["api-key", SECRET],
        ["X-UserID", "ann"],
        ["X-Trace", "a"],
        ["X-Trace", "b"],
      ],
    });
    const { body } = await handleRequest(
      { ...gateway.services, emit: log.emit },
      request,
      undefined,
    );
    await textOf(body);
    await log.clock.advance(1000);
    return log.lines();
  }

  it("V90: is one record, and one of each attempt, linked by their ids, all of it text", async () => {
    const lines = await logged({});
    expect(lines).toMatchObject([
      { Type: "S7P-BackendRequest", MID: "request-1-1", ParentId: "request-1", Status: "500" },
      {
        Type: "S7P-BackendRequest",
        MID: "request-1-2",
        ...{ ParentId: "request-1", Status: "200" },
        ...{ "Total-Latency": "0.000", "Usage.Total_Tokens": "7" },
      },
      {
        Type: "S7P-ProxyRequest",
        MID: "request-1",
        "S7P-ID": "request-1",
        Status: "200",
        Method: "POST",
        UserID: "ann",
        Priority: "2",
        ...{ RequestType: "Sync", RequestHost: "gateway.test" },
        "Request-Queue-Duration": "0.000",
        "Total-Latency": "0.000",
        ...{ Attempts: "2", Disposition: "Completed" },
        "Backend-Host": "Host2",
        "Content-Type": "application/json",
        "Usage.Prompt_Tokens": "3",
        "Usage.Completion_Tokens": "4",
        "Usage.Total_Tokens": "7",
      },
    ]);
    const values = lines.flatMap((line) => Object.values(line));
    expect(values.every((value) => typeof value === "string")).toBe(true);
    expect(lines.every(({ Ver, Replica, ContainerApp }) => Ver && Replica && ContainerApp)).toBe(
      true,
    );
  });

  it("tells only those headers that the settings name", async () => {
    const headersOf = (lines: readonly Record<string, string>[]) =>
      Object.keys(lines.at(-1) ?? {}).filter((name) => /^(?:Request|Response)-[XS]/i.test(name));
    expect(headersOf(await logged({}))).toEqual([]);
    expect(headersOf(await logged({ LogHeaders: "X-Cost" }))).toEqual(["Response-x-cost"]);
    const all = { LogAllRequestHeaders: "true", LogAllRequestHeadersExcept: "x-userid" };
    const lines = await logged(all);
    expect(headersOf(lines)).toEqual(["Request-X-Trace"]);
    expect(lines.at(-1)?.["Request-X-Trace"]).toBe("a, b");
  });

  it("V92: has no secret, whatever is to be told", async () => {
    const lines = await logged({
      LogAllRequestHeaders: "true",
      LogAllRequestHeadersExcept: "none",
      LogAllResponseHeaders: "true",
      LogAllResponseHeadersExcept: "none",
      LogToEvents: "*",
    });
    expect(Object.keys(lines.at(-1) ?? {})).toContain("Request-Authorization");
    expect(JSON.stringify(lines)).not.toContain(SECRET);
    expect(lines.at(-1)?.["Path"]).toBe("/v1/chat/completions?api-key=REDACTED&x=1");
  });

  it("leaves out what the settings do not ask for", async () => {
    const lines = await logged({ LogToEvents: "proxy" });
    expect(lines.map(({ Type }) => Type)).toEqual(["S7P-ProxyRequest"]);
  });
});

describe("the event log in a file", () => {
  it("has lines of JSON, and is not what a request waits for", async () => {
    const path = join(newFolder(), "events.json");
    const { emit, sinks } = logOf({ EVENT_LOGGERS: "file", LOGFILE_NAME: path });
    await tell(emit, 3);
    await sinks[0]?.close(1000);
    const lines = readFileSync(path, "utf8").trim().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as { Message: string }).Message)).toEqual([
      "problem 0",
      "problem 1",
      "problem 2",
    ]);
  });

  it("that cannot be written loses its events, and counts them", async () => {
    const { emit, sinks, losses } = logOf({
      EVENT_LOGGERS: "file",
      LOGFILE_NAME: join(newFolder(), "no", "such", "folder.json"),
    });
    await tell(emit, 2);
    await sinks[0]?.close(1000);
    expect(losses).toEqual([["event-file", "failed", 2]]);
  });
});

describe("the event log in an event hub", () => {
  it("goes in batches as full as the hub takes them", async () => {
    const { emit, hub, clock } = logOf(HUB);
    await tell(emit, 5);
    await clock.advance(500);
    expect(hub.sent.map((batch) => batch.length)).toEqual([2, 2, 1]);
  });

  it("loses what is too large for any batch, and nothing else", async () => {
    const { emit, hub, clock, losses } = logOf(HUB);
    emit(failure("a"));
    emit(failure("x".repeat(2000)));
    emit(failure("b"));
    await clock.advance(500);
    expect(hub.sent.flat().map(({ Message }) => Message)).toEqual(["a", "b"]);
    expect(losses).toEqual([["event-hub", "too-large", 1]]);
  });

  it("that is away costs events and no memory, and goes on when it is back", async () => {
    const hub = fakeHub(1000);
    hub.isDown = true;
    const { emit, clock, losses, sinks } = logOf(
      { ...HUB, EVENTHUB_MAX_UNDRAINED_EVENTS: "10" },
      hub,
    );
    await tell(emit, 1000);
    const lost = losses.reduce((sum, [, , count]) => sum + count, 0);
    expect(lost).toBe(1000);
    hub.isDown = false;
    emit(failure("after"));
    await clock.advance(500);
    expect(hub.sent.flat().map(({ Message }) => Message)).toEqual(["after"]);
    await sinks[0]?.close(1000);
    expect(hub.isClosed).toBe(true);
  });

  it("opens nothing before there is an event", async () => {
    let isOpened = false;
    const sinks = openEventLog({
      settings: settingsWith(HUB),
      clock: new FakeClock(),
      lost: () => {},
      print: () => {},
      openHub: async () => {
        isOpened = true;
        return fakeHub();
      },
    });
    await sinks[0]?.close(100);
    expect(isOpened).toBe(false);
  });
});

describe("the settings of the event log", () => {
  it("name who gets it; nobody does unless they say so", () => {
    expect(openEventLogFor({})).toBe(0);
    expect(openEventLogFor({ LOGTOFILE: "true" })).toBe(1);
    expect(openEventLogFor({ ...HUB, EVENT_LOGGERS: "File, eventhub,console" })).toBe(3);
  });

  it("are refused where they name what there is not", () => {
    expect(() => settingsWith({ EVENT_LOGGERS: "SimpleL7Proxy.Custom" })).toThrow("EVENT_LOGGERS");
    expect(() => settingsWith({ EVENT_LOGGERS: "eventhub" })).toThrow("EVENTHUB_NAME");
  });
});

function openEventLogFor(env: Record<string, string>): number {
  const options = { clock: new FakeClock(), lost: () => {}, print: () => {} };
  return openEventLog({ settings: settingsWith(env), ...options }).length;
}
