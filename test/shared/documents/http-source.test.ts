import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import {
  DocumentError,
  documentReader,
  type FetchDocument,
  httpSource,
  LiveDocument,
  type ParsedContent,
} from "../../../shared/documents/index.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const URL_WITH_KEY = "https://config.test/users?sig=s3cret";
const never = new AbortController().signal;

const answer = (body: string | null, status = 200, headers = {}) =>
  Promise.resolve(new Response(body, { status, headers }));

const failureOf = (load: Promise<unknown>): Promise<unknown> =>
  load.catch((error: unknown) => error);

describe("a document at a URL", () => {
  it("is asked for by its version, and unchanged when the server says so", async () => {
    const asked: Record<string, string>[] = [];
    const replies = [answer("[1]", 200, { etag: '"v1"' }), answer(null, 304)];
    const fetch: FetchDocument = (_url, { headers }) => {
      asked.push(headers);
      return replies.shift() ?? answer(null, 500);
    };
    const source = httpSource({ url: URL_WITH_KEY, fetch });
    expect(source.kind).toBe("https");
    expect(await source.load(undefined, never)).toEqual({
      changed: true,
      content: "[1]",
      version: '"v1"',
    });
    expect(await source.load('"v1"', never)).toEqual({ changed: false });
    expect(asked.map((headers) => headers["if-none-match"])).toEqual([undefined, '"v1"']);
  });

  it("is compared by content where the server gives no version", async () => {
    const asked: Record<string, string>[] = [];
    const fetch: FetchDocument = (_url, { headers }) => {
      asked.push(headers);
      return answer("[1]");
    };
    const source = httpSource({ url: URL_WITH_KEY, fetch });
    const first = await source.load(undefined, never);
    const version = first.changed ? first.version : "";
    expect(await source.load(version, never)).toEqual({ changed: false });
    expect(asked.every((headers) => !("if-none-match" in headers))).toBe(true);
  });

  it("is fetched with the gateway's own token, which follows no redirect", async () => {
    const asked: { headers: Record<string, string>; redirect: string }[] = [];
    const scopes: string[] = [];
    const fetch: FetchDocument = (_url, init) => {
      asked.push(init);
      return answer("[]");
    };
    const token = async (scope: string): Promise<string> => {
      scopes.push(scope);
      return "t0ken";
    };
    const scope = "https://storage.azure.com/.default";
    await httpSource({ url: URL_WITH_KEY, identity: { scope, token }, fetch }).load(
      undefined,
      never,
    );
    await httpSource({ url: URL_WITH_KEY, fetch }).load(undefined, never);
    expect(scopes).toEqual([scope]);
    expect(asked).toMatchObject([
      {
        headers: { authorization: "Bearer t0ken", "x-ms-version": "2021-12-02" },
        redirect: "error",
      },
      { redirect: "follow" },
    ]);
    expect(asked[1]?.headers).not.toHaveProperty("authorization");
  });

  it("never sends a token in clear, and is an http(s) URL", () => {
    const identity = { scope: "s", token: async () => "t" };
    expect(() => httpSource({ url: "http://x.test/u", identity })).toThrow(
      "a token is sent over https only",
    );
    for (const url of ["ftp://x/y?sig=s3cret", "users.json"]) {
      expect(() => httpSource({ url })).toThrow(/^the document's URL is not an http\(s\) URL$/);
    }
  });

  it("fails with a reason that holds no key", async () => {
    const broken = new TypeError(`failed: ${URL_WITH_KEY}`, {
      cause: Object.assign(new Error(URL_WITH_KEY), { code: "ENOTFOUND" }),
    });
    const loading = (fetch: FetchDocument, limitBytes = 10): Promise<unknown> =>
      failureOf(httpSource({ url: URL_WITH_KEY, fetch, limitBytes }).load(undefined, never));
    expect(await loading(() => Promise.reject(broken))).toEqual(
      new DocumentError("the server cannot be reached (ENOTFOUND)"),
    );
    expect(await loading(() => answer("no", 503))).toEqual(
      new DocumentError("the server answered 503"),
    );
    expect(await loading(() => answer(null, 304))).toEqual(
      new DocumentError("the server answered 304"),
    );
    expect(await loading(() => answer("x".repeat(11)))).toEqual(
      new DocumentError("the document is larger than 10 bytes"),
    );
  });
});

describe("a live document from a real server", () => {
  let server: Server | undefined;
  const stop = new AbortController();

  afterEach(() => {
    stop.abort();
    server?.closeAllConnections();
    server?.close();
  });

  const listen = async (listener: RequestListener): Promise<string> => {
    const started = createServer(listener);
    server = started;
    await new Promise<void>((resolve) => started.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(started.address() as AddressInfo).port}/users?sig=s3cret`;
  };

  it("changes, stays, is refused, breaks off, hangs and comes back", async () => {
    let body = "[1]";
    let mode: "serve" | "break" | "hang" = "serve";
    const statuses: number[] = [];
    const url = await listen((request, response) => {
      if (mode === "hang") return;
      const etag = `"${body.length}"`;
      if (mode === "serve" && request.headers["if-none-match"] === etag) response.statusCode = 304;
      response.setHeader("etag", etag);
      statuses.push(response.statusCode);
      if (mode === "serve") {
        response.end(response.statusCode === 304 ? undefined : body);
        return;
      }
      response.setHeader("content-length", "100");
      response.write("[");
      setImmediate(() => response.destroy());
    });
    const parse = (text: string): ParsedContent<unknown> =>
      text.startsWith("[")
        ? { ok: true, value: JSON.parse(text), warnings: [] }
        : { ok: false, problems: ["no array"] };
    const clock = new FakeClock();
    const document = new LiveDocument({
      name: "users",
      reader: documentReader(httpSource({ url }), parse),
      presence: { required: true },
      clock,
      random: Math.random,
      emit: () => {},
      signal: stop.signal,
    });
    await document.start();
    await document.refresh();
    expect(statuses).toEqual([200, 304]);
    expect(document.value).toEqual([1]);

    body = "no array";
    await document.refresh();
    expect(document.status()).toMatchObject({ problems: ["no array"], version: '"3"' });

    mode = "break";
    await document.refresh();
    expect(document.status().lastError).toMatch(/^the document broke off/);

    mode = "hang";
    const hanging = document.refresh();
    await clock.advance(10_000);
    await hanging;
    expect(document.status().lastError).toBe("the document was not loaded within 10000 ms");
    expect(document.value).toEqual([1]);

    mode = "serve";
    body = "[1,2]";
    await document.refresh();
    expect(document.value).toEqual([1, 2]);
    expect(document.status()).toMatchObject({ isStale: false, failures: 0 });
  });
});
