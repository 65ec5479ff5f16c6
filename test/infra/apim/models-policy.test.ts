import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { APIM_FOLDER } from "./read-policy.ts";
import { type Backend, type PolicyResponse, type PolicyWorld, runPolicy } from "./run-policy.ts";

const BACKENDS = JSON.parse(readFileSync(join(APIM_FOLDER, "model-backends.json"), "utf8")) as {
  id: string;
  url: string;
  affinity: string;
}[];
const [PTU, SWEDEN, FRANCE] = BACKENDS.map(({ id }) => id);
const START = 1_700_000_000_000;

const OK: PolicyResponse = { status: 200, headers: {} };
const answer = (status: number, headers: Record<string, string> = {}): PolicyResponse => ({
  status,
  headers,
});

const idOf = (url: string): string | undefined =>
  BACKENDS.find((backend) => url.startsWith(backend.url))?.id;

interface Scene {
  readonly [id: string]: PolicyResponse | "timeout";
}

function createWorld(scene: Scene, more: Partial<PolicyWorld> = {}) {
  const clock = { now: START };
  const backend: Backend = ({ url }) => scene[idOf(url) ?? ""] ?? OK;
  const world: PolicyWorld = {
    namedValues: {
      "model-backends": Buffer.from(JSON.stringify(BACKENDS)).toString("base64"),
      "model-audience": "https://cognitiveservices.azure.com",
    },
    backend,
    cache: new Map(),
    now: () => clock.now,
    claims: { azp: "identity of the gateway" },
    apiPath: "models",
    ...more,
  };
  const ask = (priority?: number, headers: Record<string, string> = {}) => {
    const asked = priority === undefined ? {} : { llm_proxy_priority: String(priority) };
    const run = runPolicy("policies/models.xml", world, {
      url: "https://apim.test/models/deployments/gpt/chat/completions?api-version=1",
      headers: { ...asked, ...headers },
    });
    return { ...run, asked: run.calls.map(({ url }) => idOf(url)) };
  };
  return { clock, ask };
}

describe("model backends: reserved capacity first", () => {
  it("V114: asks only the first tier while it serves", () => {
    const { ask } = createWorld({});
    for (let n = 0; n < 20; n++) expect(ask(1).asked).toEqual([PTU]);
  });

  it("asks for the same below the backend's address, without the path of the API", () => {
    const [call] = createWorld({}).ask(1).calls;
    const wanted = `${BACKENDS[0]?.url}/deployments/gpt/chat/completions?api-version=1`;
    expect(call?.url).toBe(wanted);
  });

  it("goes on to the next tier when the first is throttled, and returns when it is not", () => {
    const scene: Record<string, PolicyResponse> = {
      [String(PTU)]: answer(429, { "retry-after-ms": "1500" }),
    };
    const { ask, clock } = createWorld(scene);
    const first = ask(2);
    expect(first.asked).toEqual([PTU, SWEDEN]);
    expect(first.response).toMatchObject({ status: 200, headers: { "x-Backend-Attempts": "2" } });
    expect(ask(2).asked).toEqual([SWEDEN]);
    scene[String(PTU)] = OK;
    clock.now += 1501;
    expect(ask(2).asked).toEqual([PTU]);
  });

  it("shares a tier by weight", () => {
    const { ask } = createWorld({ [String(PTU)]: answer(429, { "Retry-After": "100" }) });
    const chosen = Array.from({ length: 200 }, () => ask(1).asked.at(-1));
    const toSweden = chosen.filter((id) => id === SWEDEN).length;
    expect(toSweden / chosen.length).toBeGreaterThan(0.55);
    expect(toSweden / chosen.length).toBeLessThan(0.78);
  });
});

describe("model backends: classes", () => {
  it("V117: keep a class from tiers that are not for it, and say when to come again", () => {
    const { ask } = createWorld({ [String(PTU)]: answer(429, { "retry-after-ms": "4000" }) });
    const { asked, response } = ask(3);
    expect(asked).toEqual([PTU]);
    expect(response).toMatchObject({
      status: 429,
      headers: { S7PREQUEUE: "true", "retry-after-ms": "4000", "Retry-After": "4" },
    });
  });

  it.each([undefined, "x", "-1", "1; drop"])("are the third without a number: %s", (text) => {
    const headers = text === undefined ? {} : { llm_proxy_priority: text };
    const { ask } = createWorld({ [String(PTU)]: answer(429) });
    expect(ask(undefined, headers).asked).toEqual([PTU]);
  });

  it("that no backend serves are told so", () => {
    const { asked, response } = createWorld({}).ask(9);
    expect([asked, response.status]).toEqual([[], 503]);
  });
});

describe("model backends: the requeue signal", () => {
  it("V121: names the time of the first that may serve again", () => {
    const { ask, clock } = createWorld({
      [String(PTU)]: answer(429, { "Retry-After": "30" }),
      [String(SWEDEN)]: answer(429, { "retry-after-ms": "1500" }),
      [String(FRANCE)]: answer(503),
    });
    expect(ask(1).response.headers["retry-after-ms"]).toBe("1500");
    clock.now += 500;
    const again = ask(1);
    expect(again.asked).toEqual([]);
    expect(again.response.headers).toMatchObject({ "retry-after-ms": "1000", "Retry-After": "1" });
  });

  it.each([
    [{ "Retry-After": "garbage" }, "10000"],
    [{ "Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT" }, "10000"],
    [{ "Retry-After": "86400" }, "120000"],
    [{ "retry-after-ms": "2500", "Retry-After": "3" }, "2500"],
    [{}, "10000"],
  ])("tolerates what backends say: %j", (headers, expected) => {
    const { ask } = createWorld({ [String(PTU)]: answer(429, headers) });
    expect(ask(3).response.headers["retry-after-ms"]).toBe(expected);
  });

  it("never calls a backend twice for one request", () => {
    const failing = Object.fromEntries(
      BACKENDS.map(({ id }) => [id, answer(500, { "retry-after-ms": "0" })]),
    );
    const { asked, response } = createWorld(failing).ask(1);
    expect(asked.toSorted()).toEqual([PTU, SWEDEN, FRANCE].toSorted());
    expect(response.status).toBe(500);
  });
});

describe("model backends: what is wrong with a request", () => {
  it.each([400, 401, 404, 413, 422])("V119: is told as it is: %i", (status) => {
    const scene: Record<string, PolicyResponse> = { [String(PTU)]: answer(status) };
    const { ask } = createWorld(scene);
    expect(ask(1)).toMatchObject({ asked: [PTU], response: { status } });
    scene[String(PTU)] = OK;
    expect(ask(1).asked).toEqual([PTU]);
  });

  it.each([201, 202, 204])("is nothing when the answer is %i", (status) => {
    const { ask } = createWorld({ [String(PTU)]: answer(status) });
    expect(ask(1)).toMatchObject({ asked: [PTU], response: { status } });
  });
});

describe("model backends: time and concurrency", () => {
  it("each have their own time-out", () => {
    expect(
      createWorld({})
        .ask(1)
        .calls.map(({ timeoutSeconds }) => timeoutSeconds),
    ).toEqual([120]);
  });

  it("rest after a time-out, and the caller is asked to come again", () => {
    const { ask } = createWorld({ [String(PTU)]: "timeout" });
    expect(ask(3).response).toMatchObject({
      status: 429,
      headers: { S7PREQUEUE: "true", "retry-after-ms": "10000", "x-Backend-Attempts": "1" },
    });
    expect(ask(1).asked).not.toContain(PTU);
  });

  it("are not called beyond their limit, each with its own", () => {
    const running = new Map([[String(PTU), 100]]);
    const { ask, clock } = createWorld({}, { running });
    const { asked, response } = ask(1);
    expect(asked).toEqual([]);
    expect(response).toMatchObject({ status: 429, headers: { "retry-after-ms": "1000" } });
    expect([SWEDEN, FRANCE]).toContain(ask(1).asked[0]);
    running.set(String(PTU), 99);
    clock.now += 1001;
    expect(ask(1).asked).toEqual([PTU]);
  });
});

describe("model backends: affinity", () => {
  it("V118: keeps to the backend whose value came back, while it serves", () => {
    const scene: Record<string, PolicyResponse> = {
      [String(PTU)]: answer(429, { "Retry-After": "100" }),
    };
    const { ask } = createWorld(scene);
    const value = ask(1).response.headers["x-backend-affinity"] ?? "";
    const id = BACKENDS.find(({ affinity }) => affinity === value)?.id;
    for (let n = 0; n < 20; n++) {
      expect(ask(1, { "x-backend-affinity": value }).asked).toEqual([id]);
    }
    scene[String(id)] = answer(429);
    expect(ask(1, { "x-backend-affinity": value }).response.status).toBe(200);
    expect(ask(1, { "x-backend-affinity": value }).asked).not.toContain(id);
  });

  it("does not let a class in where it may not go, nor name a backend", () => {
    const { ask } = createWorld({});
    const france = BACKENDS[2]?.affinity ?? "";
    const { asked, response } = ask(3, { "x-backend-affinity": france });
    expect(asked).toEqual([PTU]);
    expect(JSON.stringify(response)).not.toContain(PTU);
  });
});

describe("model backends: credentials", () => {
  it("are this service's own, whatever the caller sent", () => {
    const sent = { Authorization: "Bearer caller", "api-key": "caller", llm_proxy_priority: "1" };
    const [call] = createWorld({}).ask(1, sent).calls;
    expect(call?.headers).toEqual({
      Authorization: "Bearer token for https://cognitiveservices.azure.com",
    });
  });
});
