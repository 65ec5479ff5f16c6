import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { loadSettings } from "../../../shared/config/index.ts";
import { appConfigurationSource, parseHotSettings } from "../../../shared/documents/index.ts";

interface StoredKey {
  key: string;
  value: string;
  label: string | null;
  etag: string;
}

const never = new AbortController().signal;

/** The two calls of App Configuration's REST API that the gateway makes, over the given keys. */
function answer(keys: readonly StoredKey[], request: IncomingMessage, response: ServerResponse) {
  const url = new URL(request.url ?? "", "http://store.test");
  const label = url.searchParams.get("label");
  const hasLabel = (stored: StoredKey): boolean => (stored.label ?? "\0") === (label ?? "\0");
  const send = (status: number, body: unknown): void => {
    response.writeHead(status, { "content-type": "application/vnd.microsoft.appconfig.kv+json" });
    response.end(JSON.stringify(body));
  };
  if (url.pathname === "/kv") {
    const prefix = (url.searchParams.get("key") ?? "*").replace(/\*$/, "");
    send(200, {
      items: keys.filter((stored) => stored.key.startsWith(prefix) && hasLabel(stored)),
    });
    return;
  }
  const wanted = decodeURIComponent(url.pathname.slice("/kv/".length));
  const found = keys.find((stored) => stored.key === wanted && hasLabel(stored));
  if (found) send(200, found);
  else send(404, {});
}

describe("App Configuration through its own client", () => {
  let server: Server | undefined;

  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });

  it("gives the keys of one label, by the sentinel of that label", async () => {
    const keys: StoredKey[] = [
      { key: "Warm:Sentinel", value: "1", label: null, etag: "e1" },
      { key: "Warm:Request:DefaultTTLSecs", value: "60", label: null, etag: "e2" },
      { key: "Warm:Host1", value: "http://one.test", label: null, etag: "e3" },
      { key: "Cold:Server:Workers", value: "3", label: null, etag: "e4" },
      { key: "Warm:Request:DefaultTTLSecs", value: "90", label: "blue", etag: "e5" },
      { key: "Warm:Host1", value: "http://blue.test", label: "blue", etag: "e6" },
    ];
    const started = createServer((request, response) => answer(keys, request, response));
    server = started;
    await new Promise<void>((resolve) => started.listen(0, "127.0.0.1", resolve));
    const origin = `http://127.0.0.1:${(started.address() as AddressInfo).port}`;
    const connectionString = `Endpoint=${origin};Id=id;Secret=${Buffer.from("s").toString("base64")}`;
    const connection = { kind: "connectionString", connectionString } as const;

    const plain = appConfigurationSource({ connection });
    const first = await plain.load(undefined, never);
    expect(first).toMatchObject({ changed: true, version: "e1" });
    expect(await plain.load("e1", never)).toEqual({ changed: false });
    const parsed = parseHotSettings(first.changed ? first.content : "", {
      base: {},
      parse: loadSettings,
    });
    expect(parsed).toMatchObject({ ok: true, value: { defaultTtlMs: 60_000 }, warnings: [] });

    const blue = await appConfigurationSource({ connection, label: "blue" }).load(undefined, never);
    expect(blue).toMatchObject({
      changed: true,
      content: [
        { key: "Warm:Request:DefaultTTLSecs", value: "90" },
        { key: "Warm:Host1", value: "http://blue.test" },
      ],
    });
  });
});
