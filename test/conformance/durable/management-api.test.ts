import { once } from "node:events";
import { connect } from "node:net";
import * as df from "durable-functions";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DurableApp, startDurableApp } from "../../support/durable-app.ts";
import { durableDir } from "../../support/durable-dir.ts";
import { eventually } from "../../support/eventually.ts";

df.app.activity("shout", { handler: (word: string) => word.toUpperCase() });
df.app.orchestration("shouting", function* (context) {
  return yield context.df.callActivity("shout", context.df.getInput());
});
df.app.orchestration("patient", function* (context) {
  return yield context.df.waitForExternalEvent("go");
});
// biome-ignore lint/correctness/useYield: an orchestrator is a generator, also one that waits for nothing
df.app.orchestration("broken", function* () {
  throw new Error("broken on purpose");
});

const dir = durableDir();
const lines: string[] = [];
let app: DurableApp;
let base: string;
beforeAll(async () => {
  app = await startDurableApp({ dataDir: dir.path, log: (line) => lines.push(line) });
  base = `${app.origin}/runtime/webhooks/durabletask`;
});
afterAll(async () => {
  await app.close();
  dir[Symbol.dispose]();
});

interface Answer {
  status: number;
  headers: Headers;
  body: unknown;
}

async function call(method: string, path: string, json?: unknown): Promise<Answer> {
  const response = await fetch(path.startsWith("http") ? path : `${base}/${path}`, {
    method,
    ...(json === undefined
      ? {}
      : { body: JSON.stringify(json), headers: { "content-type": "application/json" } }),
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.startsWith("application/json");
  return {
    status: response.status,
    headers: response.headers,
    body: isJson ? JSON.parse(text) : text,
  };
}

describe("the management API", () => {
  it("answers a start with links that work", async () => {
    const started = await call("POST", "orchestrators/patient/linked", {});
    const links = started.body as Record<string, string>;
    expect(started.status).toBe(202);
    expect(links["id"]).toBe("linked");
    expect(started.headers.get("location")).toBe(links["statusQueryGetUri"]);
    expect(started.headers.get("retry-after")).toBe("10");
    const watching = await call("GET", links["statusQueryGetUri"] ?? "");
    expect(watching.status).toBe(202);
    expect(watching.headers.get("retry-after")).toBe("5");
    const again = await call("GET", watching.headers.get("location") ?? "");
    expect(again.status).toBe(202);
    const eventUri = links["sendEventPostUri"]?.replace("{eventName}", "go") ?? "";
    expect((await call("POST", eventUri, "now")).status).toBe(202);
    await eventually(async () => (await call("GET", links["statusQueryGetUri"] ?? "")).status).toBe(
      200,
    );
    expect((await call("POST", eventUri, "late")).status).toBe(410);
    expect(await call("DELETE", links["purgeHistoryDeleteUri"] ?? "")).toMatchObject({
      status: 200,
      body: { instancesDeleted: 1 },
    });
    expect((await call("GET", links["statusQueryGetUri"] ?? "")).status).toBe(404);
  });

  it("waits for the output when it is asked to, and no longer than that", async () => {
    const waited = await call("POST", "orchestrators/shouting?timeout=20", "hey");
    expect(waited).toMatchObject({ status: 200, body: "HEY" });
    const gaveUp = await call("POST", "orchestrators/patient/slow?timeout=0&pollingInterval=1", {});
    expect(gaveUp).toMatchObject({ status: 202, body: { id: "slow" } });
    const failed = await call("POST", "orchestrators/broken?timeout=20", {});
    expect(failed).toMatchObject({ status: 200, body: { runtimeStatus: "Failed" } });
    const strict = "timeout=20&returnInternalServerErrorOnFailure=true";
    expect((await call("POST", `orchestrators/broken?${strict}`, {})).status).toBe(500);
  });

  it("describes an instance with whole seconds, and its history when asked", async () => {
    await call("POST", "orchestrators/shouting/described?timeout=20", "hey");
    const { body } = await call(
      "GET",
      "instances/described?showHistory=true&showHistoryOutput=true",
    );
    const second = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(body).toMatchObject({
      name: "shouting",
      instanceId: "described",
      runtimeStatus: "Completed",
      input: "hey",
      customStatus: null,
      output: "HEY",
      createdTime: second,
      lastUpdatedTime: second,
    });
    const { historyEvents } = body as { historyEvents: object[] };
    expect(historyEvents).toMatchObject([
      { EventType: "ExecutionStarted", FunctionName: "shouting", Input: "hey" },
      { EventType: "TaskCompleted", FunctionName: "shout", Result: "HEY" },
      { EventType: "ExecutionCompleted", OrchestrationStatus: "Completed", Result: "HEY" },
    ]);
    expect(historyEvents[1]).toHaveProperty("ScheduledTime");
    for (const event of historyEvents) {
      expect(event).not.toHaveProperty("EventId");
      expect(event).not.toHaveProperty("IsPlayed");
      expect(event).not.toHaveProperty("Source");
    }
  });

  it("hides what it is asked to hide", async () => {
    await call("POST", "orchestrators/shouting/hidden?timeout=20", "hey");
    const { body } = await call("GET", "instances/hidden?showInput=false&showHistory=true");
    expect(body).toMatchObject({ input: null, output: "HEY" });
    expect(JSON.stringify((body as { historyEvents: object }).historyEvents)).not.toContain("HEY");
  });

  it("answers 500 for a failed instance only on request", async () => {
    await call("POST", "orchestrators/broken/failed?timeout=20", {});
    expect((await call("GET", "instances/failed")).status).toBe(200);
    const strict = await call("GET", "instances/failed?returnInternalServerErrorOnFailure=true");
    expect(strict.status).toBe(500);
  });

  it("restarts with a new id, or with the old one once it has ended", async () => {
    await call("POST", "orchestrators/shouting/origin?timeout=20", "hey");
    const { body } = await call("POST", "instances/origin/restart");
    const { id } = body as { id: string };
    expect(id).not.toBe("origin");
    await eventually(async () => (await call("GET", `instances/${id}`)).body).toMatchObject({
      output: "HEY",
    });
    const same = "restart?restartWithNewInstanceId=false";
    expect((await call("POST", `instances/origin/${same}`)).body).toMatchObject({ id: "origin" });
    await call("POST", "orchestrators/patient/running", {});
    expect((await call("POST", `instances/running/${same}`)).status).toBe(409);
    expect((await call("POST", "instances/missing/restart")).status).toBe(404);
  });

  it("lists by prefix, page by page", async () => {
    for (const n of [1, 2, 3]) await call("POST", `orchestrators/patient/p%25_${n}`, {});
    const ids: string[] = [];
    let token: string | null = null;
    do {
      const response: Response = await fetch(`${base}/instances?instanceIdPrefix=p%25_&top=2`, {
        headers: token ? { "x-ms-continuation-token": token } : {},
      });
      const page = (await response.json()) as { instanceId: string }[];
      ids.push(...page.map(({ instanceId }) => instanceId));
      token = response.headers.get("x-ms-continuation-token");
    } while (token);
    expect(ids.toSorted()).toEqual(["p%_1", "p%_2", "p%_3"]);
  });

  it.each([
    ["POST", "orchestrators/nobody", 400],
    ["POST", "instances/missing/terminate", 404],
    ["POST", "instances/missing/rewind", 501],
    ["DELETE", "instances/missing", 404],
    ["DELETE", "instances", 400],
    ["DELETE", "instances?createdTimeFrom=2100-01-01", 404],
    ["GET", "instances?createdTimeFrom=yesterday", 400],
    ["GET", "instances?top=none", 400],
    ["GET", "entities", 501],
    ["GET", "entities/counter", 501],
    ["GET", "entities/counter/none", 404],
    ["PUT", "instances/missing", 404],
    ["GET", "nonsense", 404],
    ["GET", "instances/%E0%A4%A", 400],
  ])("answers %s %s with %i", async (method, path, status) => {
    expect((await call(method, path)).status).toBe(status);
  });

  it("takes JSON bodies only, and no broken ones", async () => {
    const post = (body: string, type: string) =>
      fetch(`${base}/orchestrators/shouting`, {
        method: "POST",
        body,
        headers: { "content-type": type },
      });
    expect((await post("hey", "text/plain")).status).toBe(400);
    expect((await post("{", "application/json")).status).toBe(400);
  });

  it("does not complain about a client that leaves while it sends", async () => {
    const socket = connect(Number(new URL(base).port), "127.0.0.1");
    await once(socket, "connect");
    socket.write(
      "POST /durabletask/orchestrators/shouting/cut HTTP/1.1\r\nHost: x\r\n" +
        "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n[1,",
    );
    // Each call goes all the way through the server, so it has seen what came before.
    await call("GET", "instances/cut");
    socket.destroy();
    await once(socket, "close");
    for (let n = 0; n < 5; n++) await call("GET", "instances/cut");
    expect((await call("GET", "instances/cut")).status).toBe(404);
    expect(lines).toEqual([]);
  });

  it("knows its operations whatever their case", async () => {
    await call("POST", "Orchestrators/SHOUTING/cased?timeout=20", "hey");
    const { status, body } = await call(
      "GET",
      `${app.origin}/Runtime/Webhooks/DurableTask/Instances/cased`,
    );
    expect({ status, body }).toMatchObject({ status: 200, body: { instanceId: "cased" } });
  });

  it("leaves every other path alone", async () => {
    for (const path of ["/", "/durabletaskx/instances", "/api/durabletask/instances"]) {
      expect(await call("GET", `${app.origin}${path}`)).toMatchObject({
        status: 404,
        body: "not the engine's",
      });
    }
  });
});
