import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createBackendClient, createTokenSource } from "../../../../shared/backends/index.ts";
import {
  CachingTokenSource,
  type FetchToken,
  type TokenSource,
} from "../../../../shared/backends/token-source.ts";
import { systemClock } from "../../../../shared/core/clock.ts";
import type { HeaderList } from "../../../../shared/core/headers.ts";
import { handleRequest } from "../../../../shared/gateway/index.ts";
import { type SeenRequest, startBackend } from "../../../support/backend.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { createGateway, requestTo } from "../../../support/gateway.ts";
import { startIdentityEndpoint } from "../../../support/identity-endpoint.ts";
import { textOf } from "../../../support/streams.ts";

const HOUR_MS = 3_600_000;
const CLIENTS_OWN: HeaderList = [["Authorization", "Bearer of-the-client"]];

type Handler = Parameters<typeof startBackend>[0];

/** A backend that answers as a test says, until the test ends. */
async function backendOf(handler: Handler = (_, response) => void response.end("fine")) {
  const backend = await startBackend(handler);
  onTestFinished(() => backend[Symbol.asyncDispose]());
  return backend;
}

/** The whole gateway in process, over real connections, with these hosts and this identity. */
function open(hosts: readonly string[], tokens: TokenSource, env: Record<string, string> = {}) {
  const named = hosts.map((host, n) => [`Host${n + 1}`, `host=${host};mode=direct`]);
  const gateway = createGateway({
    GATEWAY_SYNC_MODE: "direct",
    ...Object.fromEntries(named),
    ...env,
  });
  const backends = createBackendClient({ ignoreTlsErrors: false, tokens });
  onTestFinished(() => backends.close());
  const told: string[] = [];
  const ask = async (target = "/chat", headers = CLIENTS_OWN) => {
    const request = requestTo(gateway, { target, headers, body: "question" });
    const response = await handleRequest({ ...gateway.services, backends }, request, undefined);
    const text = await textOf(response.body);
    told.push(JSON.stringify(response.headers), text);
    return { status: response.status, headers: response.headers, text };
  };
  /** Everything that leaves the gateway but by a call to a backend. */
  const leaves = () => {
    const { events, records, receipts, uses } = gateway;
    return [...told, JSON.stringify([events, records, receipts, uses])].join("\n");
  };
  return { ask, leaves };
}

/** Tokens `secret-1`, `secret-2`, ... that live for an hour. */
function hourly() {
  const clock = new FakeClock();
  let count = 0;
  const fetchToken = vi.fn<FetchToken>(async (scope) => {
    count += 1;
    return { token: `secret-${count}-${scope}`, expiresAt: clock.now() + HOUR_MS };
  });
  const tokens = new CachingTokenSource({ clock, random: () => 0, fetchToken });
  return { clock, fetchToken, tokens };
}

const bearersOf = ({ seen }: { seen: readonly SeenRequest[] }) =>
  seen.map(({ headers }) => headers.authorization);

describe("the gateway's own identity", () => {
  it("is asked for once for all who come at once, and for each audience by itself", async () => {
    await using endpoint = await startIdentityEndpoint();
    for (const [name, value] of Object.entries(endpoint.env)) vi.stubEnv(name, value);
    onTestFinished(() => void vi.unstubAllEnvs());
    const [open_, government, own] = [await backendOf(), await backendOf(), await backendOf()];
    const { ask, leaves } = open(
      [
        `${open_.url};path=/public;usemi=true`,
        `${government.url};path=/us;usemi=true;scope=https://cognitiveservices.azure.us/.default`,
        `${own.url};path=/own;usemi=true;audience=api://model-of-ours`,
      ],
      createTokenSource(systemClock, () => 0),
    );
    const targets = ["/public", "/us", "/own"].flatMap((path) => Array(10).fill(`${path}/chat`));
    const answers = await Promise.all(targets.map((target) => ask(target)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const audiences = [
      "https://cognitiveservices.azure.com",
      "https://cognitiveservices.azure.us",
      "api://model-of-ours",
    ];
    expect(endpoint.asked.toSorted()).toEqual(audiences.toSorted());
    for (const [n, backend] of [open_, government, own].entries()) {
      expect(new Set(bearersOf(backend))).toEqual(
        new Set([`Bearer secret-token-for-${audiences[n]}`]),
      );
    }
    expect(leaves()).not.toContain("secret-token");
    expect(leaves()).not.toContain("identity-header-secret");
  });

  it("goes to the host that it is for, and to none that a request goes on to", async () => {
    const { tokens } = hourly();
    const busy: Handler = (_, response) => void response.writeHead(503).end();
    const [first, second] = [await backendOf(busy), await backendOf(busy)];
    const third = await backendOf();
    const { ask, leaves } = open(
      [
        `${first.url};tier=1;usemi=true;audience=api://one`,
        `${second.url};tier=2;usemi=true;audience=api://two`,
        `${third.url};tier=3`,
      ],
      tokens,
    );
    expect((await ask()).text).toBe("fine");
    expect(bearersOf(first)).toEqual(["Bearer secret-1-api://one/.default"]);
    expect(bearersOf(second)).toEqual(["Bearer secret-2-api://two/.default"]);
    expect(bearersOf(third)).toEqual(["Bearer of-the-client"]);
    expect(leaves()).not.toContain("secret-");
  });

  it("follows no redirect, wherever that leads", async () => {
    const { tokens } = hourly();
    const elsewhere = await backendOf();
    const first = await backendOf((_, response) => {
      response.writeHead(307, { location: `${elsewhere.url}/take-it` }).end();
    });
    const { ask } = open([`${first.url};usemi=true`], tokens);
    expect((await ask()).status).toBe(307);
    expect(elsewhere.seen).toEqual([]);
  });

  it("is renewed and asked once more when a backend refuses a token that is not new", async () => {
    const { clock, fetchToken, tokens } = hourly();
    let revoked = "none";
    const backend = await backendOf(({ headers, body }, response) => {
      const isRefused = String(headers.authorization).includes(revoked);
      response.writeHead(isRefused ? 401 : 200).end(`${headers.authorization} ${body}`);
    });
    const { ask, leaves } = open([`${backend.url};usemi=true`], tokens);
    await ask();
    revoked = "secret-1-";
    expect((await ask()).status).toBe(401);
    expect(backend.seen).toHaveLength(2);
    await clock.advance(60_000);
    const answers = await Promise.all([1, 2, 3, 4].map(() => ask()));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(answers.every(({ text }) => text.endsWith("question"))).toBe(true);
    expect(fetchToken).toHaveBeenCalledTimes(2);
    revoked = "secret-";
    await clock.advance(60_000);
    const calls = backend.seen.length;
    expect((await ask()).status).toBe(401);
    expect((await ask()).status).toBe(401);
    expect(backend.seen.length - calls).toBe(3);
    expect(fetchToken).toHaveBeenCalledTimes(3);
    expect(leaves()).not.toContain('"Bearer secret');
  });

  it("is refused at one host alone: another serves, and where none does the refusal is the answer", async () => {
    const { tokens } = hourly();
    const refusing = await backendOf((_, response) => void response.writeHead(401).end("no role"));
    const serving = await backendOf();
    const first = `${refusing.url};tier=1;usemi=true`;
    const both = open([first, `${serving.url};tier=2;usemi=true`], tokens);
    for (let n = 0; n < 3; n++) expect((await both.ask()).text).toBe("fine");
    expect(await open([first], tokens).ask()).toMatchObject({ status: 401, text: "no role" });
    const own = open([`${refusing.url};tier=1`, `${serving.url};tier=2`], tokens);
    expect((await own.ask()).status).toBe(401);
  });

  it("is not there: who else can serve does, and nobody hears why", async () => {
    const [first, second] = [await backendOf(), await backendOf()];
    const hosts = [`${first.url};tier=1;usemi=true`, `${second.url};tier=2`];
    for (const [known, status] of [
      [hosts, 200],
      [hosts.slice(0, 1), 502],
    ] as const) {
      const { fetchToken, tokens } = hourly();
      fetchToken.mockRejectedValue(new Error("the identity service told a secret-reason"));
      const answer = await open(known, tokens).ask();
      expect(answer.status).toBe(status);
      expect(JSON.stringify(answer)).not.toContain("secret-reason");
    }
    expect([first.seen.length, second.seen.length]).toEqual([0, 1]);
  });

  it("is taken for silent when its service hangs, and a renewal that hangs holds up nobody", async () => {
    const { clock, fetchToken, tokens } = hourly();
    const backend = await backendOf();
    const { ask } = open([`${backend.url};usemi=true`], tokens);
    expect((await ask()).status).toBe(200);
    fetchToken.mockImplementation(() => new Promise(() => {}));
    await clock.advance(HOUR_MS - 60_000);
    expect((await ask()).status).toBe(200);
    expect(bearersOf(backend)[0]).toBe(bearersOf(backend)[1]);
    await clock.advance(60_000);
    const late = ask();
    await expect.poll(() => fetchToken.mock.calls.length).toBe(3);
    await clock.advance(30_000);
    expect((await late).status).toBe(502);
    expect(backend.seen).toHaveLength(2);
  });
});
