import { describe, expect, it, vi } from "vitest";
import { consoleSink } from "../../functions/console-sink.ts";
import { loadSettings } from "../../shared/config/index.ts";
import { handleRequest, readStatus } from "../../shared/gateway/index.ts";
import { heard, type TelemetryEvent } from "../../shared/telemetry/index.ts";
import { createGateway, fakeEngine, requestTo, type TestGateway } from "../support/gateway.ts";
import { acceptedJob, run } from "../support/lane-messages.ts";
import { textOf } from "../support/streams.ts";

const SECRETS = {
  authorization: "authorization-7c1e9a55f0d2",
  apiKey: "api-key-3b8d41f7a960",
  cookie: "cookie-91d0e7c4b2a8",
  amazon: "amazon-token-2f6b90c1d374",
  query: "in-the-query-5fa2c80d317e",
  operator: "operator-of-secrets-a91c",
  backend: "of-the-backend-6e02f7b81c",
  connection: "c29tZS1hY2NvdW50LWtleS1mb3ItdGVzdHM",
} as const;
const PLAIN = "no-secret-84d2b6f01c37";

const HEADERS = [
  ["AUTHORIZATION", `Bearer ${SECRETS.authorization}`],
  ["Api-Key", SECRETS.apiKey],
  ["cookie", `session=${SECRETS.cookie}`],
  ["X-Amz-Security-Token", SECRETS.amazon],
  ["X-Operator-Key", SECRETS.operator],
  ["X-Plain", PLAIN],
  ["X-UserID", "ann"],
] as const;
const TARGET = `/chat?api-version=1&API%2DKEY=${SECRETS.query}&plain=${PLAIN}`;

const KEY = Buffer.alloc(32, 7).toString("base64");
const ENV = {
  OperatorKeys: SECRETS.operator,
  LogAllRequestHeaders: "true",
  LogAllRequestHeadersExcept: "none",
  LogAllResponseHeaders: "true",
  LogAllResponseHeadersExcept: "none",
  EVENT_LOGGERS: "console",
};

/** The secrets that a text holds, plainly or in base64. */
function found(text: string): string[] {
  const forms = (secret: string): string[] =>
    [0, 1, 2].map((shift) => {
      const encoded = Buffer.from(`${" ".repeat(shift)}${secret}`).toString("base64");
      return encoded.slice(4, -4);
    });
  return Object.values(SECRETS).filter((secret) =>
    [secret, ...forms(secret)].some((form) => text.includes(form)),
  );
}

/** A request that ends in one way or another. */
const asked = (
  gateway: TestGateway,
  extra: readonly (readonly [string, string])[] = [],
  body = "{}",
) =>
  handleRequest(
    gateway.services,
    requestTo(gateway, { target: TARGET, headers: [...HEADERS, ...extra], body }),
    fakeEngine(),
  );

/** All that a gateway tells and keeps, but for the answers' own bytes. */
const toldAndKept = (gateway: TestGateway) => ({
  records: JSON.stringify(gateway.records),
  receipts: JSON.stringify(gateway.receipts),
  uses: JSON.stringify([...gateway.uses, ...gateway.usageMessages]),
  messages: JSON.stringify(gateway.bus.sent),
  rows: JSON.stringify([...gateway.table.rows.values()]),
  ledger: JSON.stringify([...gateway.ledgerTable.rows.values()]),
  bodies: [...gateway.work.blobs.values()].join("\n"),
});

/** What a log's reader sees of events. */
function logged(events: readonly TelemetryEvent[]): string {
  const lines: string[] = [];
  const write = (text: string | Uint8Array): boolean => lines.push(String(text)) > 0;
  vi.spyOn(process.stdout, "write").mockImplementation(write);
  vi.spyOn(process.stderr, "write").mockImplementation(write);
  const sink = consoleSink("Information");
  for (const event of events) if (sink.hears(event)) sink.take(heard(event));
  vi.restoreAllMocks();
  return lines.join("");
}

describe("a secret that a client sends", () => {
  it.each(["direct", "queued"])(
    "is in no record, message or row of a request that is %s",
    async (mode) => {
      const gateway = createGateway({ ...ENV, GATEWAY_SYNC_MODE: mode });
      gateway.backends.answer(200, "ok", [["X-Plain", PLAIN]]);
      const runs: Promise<void>[] = [];
      gateway.bus.onSend = (_, { body }) => void runs.push(run(gateway, body).catch(() => {}));
      const answering = asked(gateway, [["Idempotency-Key", "once"]]);
      if (mode === "direct") await textOf((await answering).body);
      else await expect.poll(() => gateway.backends.calls.length).toBe(1);
      await Promise.all(runs);
      gateway.stop();
      const told = toldAndKept(gateway);
      expect(Object.entries(told).filter(([, text]) => found(text).length > 0)).toEqual([]);
      expect(Object.values(told).join()).toContain(PLAIN);
    },
  );

  it("is in no record when a backend sends it back", async () => {
    const gateway = createGateway({ ...ENV, GATEWAY_SYNC_MODE: "direct" });
    const cookie = ["Set-Cookie", `id=${SECRETS.cookie}`] as const;
    const location = ["Location", `/next?sig=${SECRETS.query}`] as const;
    gateway.backends.answer(201, "ok", [cookie, location, ["X-Plain", PLAIN]]);
    await textOf((await asked(gateway)).body);
    gateway.stop();
    const { records, receipts } = toldAndKept(gateway);
    expect(records).toContain("Set-Cookie");
    expect(found(records + receipts)).toEqual([]);
  });

  it("is in no record, message or row of a job, sealed or left out", async () => {
    for (const key of [KEY, ""]) {
      const gateway = createGateway({ ...ENV, ...(key ? { GATEWAY_CREDENTIAL_KEY: key } : {}) });
      expect((await asked(gateway, [["S7PAsyncMode", "true"]])).status).toBe(202);
      await gateway.services.jobs?.detached.close();
      gateway.stop();
      const told = toldAndKept(gateway);
      expect(Object.entries(told).filter(([, text]) => found(text).length > 0)).toEqual([]);
      expect(told.rows).toContain(PLAIN);
      expect(told.rows.includes("sealedHeaders")).toBe(key !== "");
    }
  });

  it("is in no page that says why a request was refused", async () => {
    const gateway = createGateway({ ...ENV, RequiredHeaders: "X-Missing" });
    const refused = [
      await asked(gateway),
      await asked(gateway, [
        ["X-Missing", "1"],
        ["S7PTTL", SECRETS.query],
      ]),
      await asked(gateway, [
        ["X-Missing", "1"],
        ["S7PTimeout", SECRETS.query],
      ]),
    ];
    gateway.stop();
    expect(refused.map(({ status }) => status)).toEqual([417, 400, 400]);
    const pages = await Promise.all(refused.map(({ body }) => textOf(body)));
    expect(found(pages.join())).toEqual([]);
  });
});

describe("what the gateway knows", () => {
  it("of a backend that fails is not told to clients, and its secrets to nobody", async () => {
    const gateway = createGateway({ ...ENV, GATEWAY_SYNC_MODE: "direct" });
    const message = `connect ECONNREFUSED https://u:${SECRETS.backend}@backend-1.test/?sig=${SECRETS.backend}`;
    gateway.backends.answers.push(() =>
      Promise.reject(new Error(message, { cause: new Error(`api-key: ${SECRETS.backend}`) })),
    );
    const { status, body, headers } = await asked(gateway);
    gateway.stop();
    const page = `${await textOf(body)}${JSON.stringify(headers)}`;
    expect([status, found(page)]).toEqual([502, []]);
    expect(page).not.toMatch(/backend-1|ECONN|\.ts:|node_modules/);
    const log = logged(gateway.events);
    expect(log).toContain("attempt.failed");
    expect(found(log)).toEqual([]);
  });

  it("of a fault of its own is not told to clients", async () => {
    const gateway = createGateway(ENV);
    gateway.table.isAway = true;
    const { status, body } = await asked(gateway, [["S7PAsyncMode", "true"]]);
    gateway.stop();
    const { error, title, ...problem } = JSON.parse(await textOf(body));
    expect([status, Object.keys(problem).sort()]).toEqual([
      503,
      ["code", "requestId", "status", "type"],
    ]);
    // What never changes with the occurrence, and no more.
    expect(error).toEqual({
      ...{ type: "gateway_error", code: problem.code, message: title, param: null },
    });
  });

  it("of itself shows operators no key, and nobody else anything", async () => {
    const gateway = createGateway({ ...ENV, GATEWAY_CREDENTIAL_KEY: KEY });
    await expect(readStatus(gateway.services, [])).rejects.toThrow();
    const headers = [["x-operator-key", SECRETS.operator]] as const;
    const text = await textOf((await readStatus(gateway.services, headers)).body);
    gateway.stop();
    expect([found(text), text.includes(KEY)]).toEqual([[], false]);
    expect(text).toContain("Host1");
  });

  it.each<[string, string]>([
    ["GATEWAY_WEBHOOKS_SECRET_A", `whsec_${SECRETS.backend}!`],
    ["GATEWAY_CREDENTIAL_KEY", SECRETS.backend],
    ["Host1", `https://user:${SECRETS.backend}@one.test`],
    ["Host2", `host=one.test;key=${SECRETS.backend}`],
  ])("of a setting that cannot be used is not repeated: %s", (name, value) => {
    const env = { Host1: "http://one.test", [name]: value };
    let said = "";
    try {
      loadSettings(env);
    } catch (error) {
      said = String(error);
    }
    expect(said).toContain(name);
    expect(found(said)).toEqual([]);
  });
});

describe("a job that fails", () => {
  it("tells its owner a code, and of its backend nothing", async () => {
    const gateway = createGateway({ ...ENV, GATEWAY_JOBS_MAX_ATTEMPTS: "1" });
    const job = await acceptedJob(gateway);
    gateway.backends.answers.push(() =>
      Promise.reject(new Error(`https://u:${SECRETS.backend}@backend-1.test`)),
    );
    await run(gateway, { ...job, maxAttempts: 1 });
    gateway.stop();
    const snapshot = await gateway.services.jobs?.store.read("job-1");
    expect(snapshot?.outcome?.state).toBe("failed");
    const kept = toldAndKept(gateway);
    expect(found(Object.values(kept).join())).toEqual([]);
    expect(JSON.stringify(snapshot?.outcome?.error)).not.toMatch(/backend-1|http/);
  });
});
