import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import type { DurableFunctions } from "../../../local/durable/contract.ts";
import { JoinedHosts } from "../../../local/durable/hub/joined-hosts.ts";
import { joinHub, startDurableHub } from "../../../local/durable/index.ts";
import { freePort } from "../../../local/free-port.ts";
import { durableDir } from "../../support/durable-dir.ts";
import { eventually } from "../../support/eventually.ts";
import { callActivity, type FakeEpisode, fakeFunctions } from "./fake-functions.ts";

const KEY = "key of the stack";
const ACCESS = "key-of-operators";

/** An orchestrator that calls one activity and ends with its result. */
const one = (episode: FakeEpisode) => {
  const result = episode.history.find(({ Result }) => Result !== undefined)?.Result;
  return {
    actions: [callActivity("work", episode.input)],
    ...(result === undefined ? {} : { output: JSON.parse(String(result)) }),
  };
};

interface Working {
  readonly input: unknown;
  end(result: unknown): void;
  fail(message: string): void;
}

/** Functions whose activity a test ends by hand. */
function handFunctions() {
  const working: Working[] = [];
  const work = (input: unknown) =>
    new Promise((resolve, reject) => {
      working.push({ input, end: resolve, fail: (message) => reject(new Error(message)) });
    });
  return { working, functions: fakeFunctions({ orchestrators: { one }, activities: { work } }) };
}

/** A hub that a test may take away, and bring back where it was. */
async function world() {
  const dir = durableDir();
  const port = await freePort();
  const start = () => startDurableHub({ port, dataDir: dir.path, key: KEY });
  let hub = await start();
  onTestFinished(async () => {
    await hub.close();
    dir[Symbol.dispose]();
  });
  return {
    url: hub.url,
    close: () => hub.close(),
    async restart() {
      hub = await start();
    },
  };
}

/** A host: its own address, and its place in the hub. */
async function host(url: string, functions: DurableFunctions, hubName = "Hub") {
  const server = createServer((request, response) => {
    if (!engine.handle(request, response)) response.writeHead(404).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  onTestFinished(() => void server.closeAllConnections());
  onTestFinished(() => void server.close());
  const address = { origin, hubName, accessKey: ACCESS };
  const engine = await joinHub({ hub: { url, key: KEY }, address, functions });
  onTestFinished(() => engine.close());
  const { rpcBaseUrl } = JSON.parse(engine.clientBinding());
  return {
    origin,
    close: () => engine.close(),
    /** Starts an instance; resolves with the status of the answer. */
    async start(id: string, input: unknown): Promise<number> {
      const body = JSON.stringify(input);
      const headers = { "content-type": "application/json" };
      const url = `${rpcBaseUrl}orchestrators/one/${id}`;
      const answer = await fetch(url, { method: "POST", headers, body });
      return answer.status;
    },
    async status(id: string): Promise<{ runtimeStatus?: string; output?: unknown }> {
      const answer = await fetch(`${rpcBaseUrl}instances/${id}`);
      return answer.status < 300 ? ((await answer.json()) as object) : {};
    },
  };
}

/** A host of which a test sees what it is asked to run. */
function seenHost(hosts: JoinedHosts, maxActivities = 10) {
  const asked: string[] = [];
  const link = {
    hello: {
      ...{ type: "hello" as const, hubName: "Hub", maxActivities, maxOrchestrators: 1 },
      ...{ orchestrators: ["one"], activities: ["work"], entities: [] },
    },
    run: (id: number, { input }: { input?: string | undefined }) => {
      asked.push(`${id}:${input}`);
    },
  };
  return { asked, ...hosts.join(link) };
}

describe("the hosts of an engine", () => {
  it("finish among them what one of them had begun when it was killed, once", async () => {
    const hosts = new JoinedHosts();
    const killed = seenHost(hosts);
    const result = hosts.invokeActivity("work", "x", "7");
    expect(killed.asked).toEqual(["1:7"]);
    killed.gone();
    const other = seenHost(hosts);
    expect(other.asked).toEqual(["1:7"]);
    killed.heard({ type: "done", id: 1, result: "of the dead" });
    other.heard({ type: "done", id: 1, result: "of the living" });
    expect(await result).toBe("of the living");
  });

  it("run no more than each allows, and share what comes", async () => {
    const hosts = new JoinedHosts();
    const [a, b] = [seenHost(hosts, 1), seenHost(hosts, 2)];
    const results = ["1", "2", "3", "4"].map((input) => hosts.invokeActivity("work", "x", input));
    expect([a.asked, b.asked]).toEqual([["1:1"], ["2:2", "3:3"]]);
    a.heard({ type: "done", id: 1, result: "first" });
    expect(a.asked).toEqual(["1:1", "4:4"]);
    for (const [host, id] of [
      [b, 2],
      [b, 3],
      [a, 4],
    ] as const)
      host.heard({ type: "done", id });
    expect(await Promise.all(results)).toEqual(["first", undefined, undefined, undefined]);
  });
});

describe("a Durable engine that hosts share", () => {
  it("runs what one host starts on another, and both see how it ends", async () => {
    const { url } = await world();
    const first = handFunctions();
    const second = handFunctions();
    const a = await host(url, first.functions);
    const b = await host(url, second.functions);
    for (const id of ["x", "y"]) expect(await a.start(id, id)).toBe(202);
    await eventually(() => [first.working.length, second.working.length]).toEqual([1, 1]);
    for (const { input, end } of [...first.working, ...second.working]) end(`${input} done`);
    for (const id of ["x", "y"]) {
      for (const each of [a, b]) {
        const ended = { runtimeStatus: "Completed", output: `${id} done` };
        await eventually(() => each.status(id)).toMatchObject(ended);
      }
    }
  });

  it("gives a host that leaves nothing more, and takes what it still finishes", async () => {
    const { url } = await world();
    const lost = handFunctions();
    const other = handFunctions();
    const a = await host(url, lost.functions);
    expect(await a.start("x", 7)).toBe(202);
    await eventually(() => lost.working.length).toBe(1);
    const b = await host(url, other.functions);
    const closing = a.close();
    expect(await b.start("y", 8)).toBe(202);
    await eventually(() => other.working.map(({ input }) => input)).toEqual([8]);
    lost.working[0]?.end("finished while leaving");
    await closing;
    await eventually(() => b.status("x")).toMatchObject({ output: "finished while leaving" });
    other.working[0]?.end(undefined);
  });

  it("fails what an activity failed, with its words", async () => {
    const { url } = await world();
    const { working, functions } = handFunctions();
    const failed: unknown[] = [];
    const a = await host(url, {
      ...functions,
      async invokeOrchestrator(name, input) {
        failed.push(...JSON.parse(input).history.flatMap((event: object) => reasonOf(event)));
        return functions.invokeOrchestrator(name, input);
      },
    });
    expect(await a.start("x", 1)).toBe(202);
    await eventually(() => working.length).toBe(1);
    working[0]?.fail("the disk is full");
    await eventually(() => failed.join()).toContain("the disk is full");
  });

  it("goes on where it was when it is started again, with the hosts that wait for it", async () => {
    const hub = await world();
    const { working, functions } = handFunctions();
    const a = await host(hub.url, functions);
    expect(await a.start("x", 1)).toBe(202);
    await eventually(() => working.length).toBe(1);
    await hub.close();
    expect(await a.start("y", 2)).toBe(503);
    await hub.restart();
    await eventually(() => working.length).toBe(2);
    working[0]?.end("for an engine that is gone");
    working[1]?.end("again");
    await eventually(() => a.status("x")).toMatchObject({ output: "again" });
    expect(await a.start("y", 2)).toBe(202);
  });

  it("is reached by its own hosts alone", async () => {
    const { url } = await world();
    const { functions } = handFunctions();
    const address = { origin: url, hubName: "Hub", accessKey: ACCESS };
    const stranger = { hub: { url, key: "another" }, address, functions };
    await expect(joinHub(stranger)).rejects.toThrow("refused this host (401)");
    expect((await fetch(`${url}/durabletask/${ACCESS}/instances/x`)).status).toBe(401);
    const a = await host(url, functions);
    await expect(host(url, functions, "Other")).rejects.toThrow("The hub is Hub");
    expect((await fetch(`${a.origin}/durabletask/guessed/instances/x`)).status).toBe(404);
  });
});

const reasonOf = (event: { Reason?: string }): string[] => (event.Reason ? [event.Reason] : []);
