import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startBackend, type TestBackend } from "../support/backend.ts";
import { BackendWorld, failing, type Handler, ok, silent } from "../support/backend-world.ts";
import { eventually } from "../support/eventually.ts";
import { startStack, type TestStack } from "../support/stack.ts";

const IDLE_MS = 1000;

const world = new BackendWorld();
const held: (() => void)[] = [];
let tokens: TestBackend;
let stack: TestStack;

const release = (): void => {
  for (const answer of held.splice(0)) answer();
};
const hold: Handler = (_, response) => void held.push(() => response.end("held"));

/** Asks to be called again, so many times, and then answers. */
function again(headers: () => Record<string, string>, times = 1): Handler {
  let calls = 0;
  return (_, response) => {
    calls += 1;
    if (calls > times) response.end("fine");
    else response.writeHead(429, { S7PREQUEUE: "true", ...headers() }).end();
  };
}

beforeAll(async () => {
  const [a, b, c] = [await world.add("a"), await world.add("b"), await world.add("c")];
  tokens = await startBackend((_, response) => {
    const expiresOn = Math.floor(Date.now() / 1000) + 86_400;
    response.setHeader("content-type", "application/json");
    response.end(
      JSON.stringify({
        access_token: "of-the-gateway",
        expires_on: String(expiresOn),
        token_type: "Bearer",
      }),
    );
  });
  const host = (url: string, path: string, more = "") =>
    `host=${url};path=${path};mode=direct;${more}`;
  stack = await startStack({
    env: {
      Host1: host(a, "/pair", "stripprefix=false"),
      Host2: host(b, "/pair", "stripprefix=false"),
      Host3: host(a, "/single", "stripprefix=false"),
      Host4: host(a, "/strip"),
      Host5: host(a, "/silent", "stripprefix=false"),
      Host6: host(b, "/silent", "stripprefix=false"),
      Host7: host(c, "/silent", "stripprefix=false"),
      Host8: host(a, "/stall", "stripprefix=false"),
      Host9: host(a, "/mine", "stripprefix=false;usemi=true;audience=https://models.test"),
      GATEWAY_SYNC_MODE: "direct",
      Workers: "1",
      GATEWAY_BACKENDS_IDLE_TIMEOUT_MS: String(IDLE_MS),
      StripRequestHeaders: "X-A",
      StripResponseHeaders: "X-B",
      LoadBalanceMode: "roundrobin",
      IDENTITY_ENDPOINT: `${tokens.url}/msi/token`,
      IDENTITY_HEADER: "of-the-platform",
    },
  });
});
afterEach(release);
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  await tokens?.[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(`${stack.url}${path}`, { headers });
const waiting = (count: number) =>
  eventually(async () => (await stack.status()).waiting.total).toBe(count);

async function timed(path: string): Promise<{ text: string; tookMs: number }> {
  const startedAt = performance.now();
  const text = await (await get(path)).text();
  return { text, tookMs: performance.now() - startedAt };
}

describe("a path", () => {
  it("V41: that no host serves is refused, with no call", async () => {
    const answer = await get("/other");
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ code: "no-route" });
    expect(["a", "b", "c"].flatMap((name) => world.seen(name))).toEqual([]);
  });
});

describe("a backend that asks to be left alone", () => {
  it("V55: is left for one that is free", async () => {
    world.on("a", "/pair", failing(429, { "retry-after-ms": "200" }));
    world.on("b", "/pair", ok("b"));
    for (let n = 0; n < 4; n++) expect(await (await get("/pair")).text()).toBe("b");
  });

  it("V57: is asked again after the shortest of all waits", async () => {
    world.on(
      "a",
      "/pair",
      again(() => ({ "retry-after-ms": "60000" })),
    );
    world.on(
      "b",
      "/pair",
      again(() => ({ "retry-after-ms": "400" })),
    );
    const { text, tookMs } = await timed("/pair");
    expect(text).toBe("fine");
    expect(tookMs).toBeGreaterThanOrEqual(390);
    expect(tookMs).toBeLessThan(50_000);
  });

  it.each([
    ["seconds", () => "2"],
    ["a date", () => new Date(Date.now() + 3000).toUTCString()],
  ])("V60: may say when in %s", async (_form, when) => {
    world.on(
      "a",
      "/single",
      again(() => ({ "retry-after": when() })),
    );
    const before = world.seen("a", "/single").length;
    const { text, tookMs } = await timed("/single");
    expect(text).toBe("fine");
    // A date names a whole second, which may be nearer by almost one; what is not understood is taken for a second.
    expect(tookMs).toBeGreaterThanOrEqual(1950);
    expect(world.seen("a", "/single").length - before).toBe(2);
  });

  it("V61: sees which call of which request each is", async () => {
    world.on(
      "a",
      "/single",
      again(() => ({ "retry-after-ms": "150" }), 2),
    );
    const before = world.seen("a", "/single").length;
    expect(await (await get("/single")).text()).toBe("fine");
    const calls = world.seen("a", "/single").slice(before);
    expect(calls.map(({ headers }) => headers["x-policycyclecounter"])).toEqual(["0", "1", "2"]);
    expect(new Set(calls.map(({ headers }) => headers["x-s7p-id"])).size).toBe(1);
  });

  it("V62: gets the same path again, without the prefix", async () => {
    world.on(
      "a",
      "/x",
      again(() => ({ "retry-after-ms": "150" })),
    );
    expect(await (await get("/strip/x")).text()).toBe("fine");
    expect(world.seen("a", "/x").map(({ target }) => target)).toEqual(["/x", "/x"]);
  });

  it("V59: keeps its request's place in the queue, while others have the slot", async () => {
    let sendAway: (() => void) | undefined;
    world.on("a", "/single", (request, response) => {
      if (request.target === "/single/hold") hold(request, response);
      else if (request.target === "/single/r1" && !sendAway) {
        sendAway = () =>
          void response.writeHead(429, { S7PREQUEUE: "true", "retry-after-ms": "3000" }).end();
      } else response.end("ok");
    });
    const before = world.seen("a", "/single").length;
    const answers = [get("/single/r1")];
    await eventually(() => sendAway !== undefined).toBe(true);
    // It waits for the slot before that is free, so that it has it when the first one comes again.
    answers.push(get("/single/hold"));
    await waiting(1);
    sendAway?.();
    await eventually(() => held.length).toBe(1);
    for (let n = 2; n <= 5; n++) {
      answers.push(get(`/single/r${n}`));
      await eventually(() =>
        stack.status().then(({ waiting: line }) => line.total),
      ).toBeGreaterThanOrEqual(n - 1);
    }
    await waiting(5);
    release();
    await Promise.all(answers);
    const order = world
      .seen("a", "/single")
      .slice(before + 2)
      .map(({ target }) => target);
    expect(order).toEqual([1, 2, 3, 4, 5].map((n) => `/single/r${n}`));
  });
});

describe("backends that are silent", () => {
  it("V34: end with the request's time to live, whatever time each attempt has", async () => {
    for (const name of ["a", "b", "c"]) world.on(name, "/silent", silent);
    const startedAt = performance.now();
    const answer = await get("/silent", { S7PTTL: "2", S7PTimeout: "120000" });
    expect([408, 412]).toContain(answer.status);
    expect(performance.now() - startedAt).toBeLessThan(60_000);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(1900);
  });

  it("V36: in the middle of an answer lose their connection, and free the slot", async () => {
    const closed = Promise.withResolvers<void>();
    world.on("a", "/stall", (_, response) => {
      response.once("close", () => closed.resolve());
      response.writeHead(200, { "content-type": "text/plain" });
      response.write("the beginning");
    });
    const answer = await get("/stall");
    expect(answer.status).toBe(200);
    await expect(answer.text()).rejects.toThrow();
    await closed.promise;
    world.on("a", "/single", ok("served"));
    expect(await (await get("/single")).text()).toBe("served");
  });
});

describe("headers", () => {
  it("V73: that the settings name go neither on nor back", async () => {
    world.on("a", "/single", (_, response) => {
      response.setHeader("X-B", "2");
      response.setHeader("X-C", "3");
      response.end("ok");
    });
    const answer = await get("/single/v73", { "x-a": "1", "X-Kept": "1" });
    expect([answer.headers.get("x-b"), answer.headers.get("x-c")]).toEqual([null, "3"]);
    const { headers } = world.seen("a", "/single").at(-1) ?? {};
    expect([headers?.["x-a"], headers?.["x-kept"]]).toEqual([undefined, "1"]);
  });

  it("V76: carry the gateway's own token to the host that it is for, in place of the client's", async () => {
    const secrets = { authorization: "Bearer of-the-client", "api-key": "of-the-client" };
    await get("/mine/x", secrets);
    const { headers = {} } = world.seen("a", "/mine").at(-1) ?? {};
    expect(headers.authorization).toBe("Bearer of-the-gateway");
    expect(JSON.stringify(headers)).not.toContain("of-the-client");
    expect(tokens.seen[0]?.target).toContain(encodeURIComponent("https://models.test"));
    await get("/single/x", secrets);
    expect(world.seen("a", "/single").at(-1)?.headers.authorization).toBe("Bearer of-the-client");
  });
});
