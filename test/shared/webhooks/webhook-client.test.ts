import type { LookupAddress } from "node:dns";
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../../shared/core/clock.ts";
import { signWebhook, WebhookClient } from "../../../shared/webhooks/index.ts";

const headers = signWebhook({ id: "event_1", body: "{}", sentAt: 0 }, [Buffer.alloc(24)]);

async function receiver(answer: RequestListener): Promise<{ url: string; seen: string[] }> {
  const seen: string[] = [];
  const server: Server = createServer((request, response) => {
    seen.push(request.url ?? "");
    answer(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

function client(
  change: Partial<ConstructorParameters<typeof WebhookClient>[0]> = {},
): WebhookClient {
  const created = new WebhookClient({
    clock: systemClock,
    timeoutMs: 20_000,
    allowLocal: true,
    ...change,
  });
  onTestFinished(() => created.close());
  return created;
}

const post = (url: string, from = client()) => from.post({ url, headers, body: "{}" });

describe("calling a webhook", () => {
  it("tells the status and how long the receiver asks to wait", async () => {
    const { url } = await receiver((_, response) => {
      response.writeHead(503, { "retry-after": "7" }).end("busy");
    });
    expect(await post(url)).toEqual({ kind: "answered", status: 503, retryAfterMs: 7000 });
  });

  it("follows no redirect", async () => {
    const { url, seen } = await receiver((_, response) => {
      response.writeHead(302, { location: "/inside" }).end();
    });
    expect(await post(`${url}/hook`)).toEqual({ kind: "answered", status: 302 });
    expect(seen).toEqual(["/hook"]);
  });

  it("reads no answer without end, and gives up one that never begins", async () => {
    const endless = await receiver((_, response) => {
      const chunk = Buffer.alloc(64_000);
      const more = (): void => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on("drain", more);
      more();
    });
    expect(await post(endless.url)).toEqual({ kind: "answered", status: 200 });
    const silent = await receiver(() => {});
    expect(await post(silent.url, client({ timeoutMs: 200 }))).toEqual({
      kind: "failed",
      reason: "ETIMEDOUT",
    });
  });

  it("says nothing but a code of what failed", async () => {
    expect(await post("http://127.0.0.1:1/")).toEqual({ kind: "failed", reason: "ECONNREFUSED" });
  });

  it("refuses what resolves to an internal address, at the moment it connects", async () => {
    const { url, seen } = await receiver((_, response) => response.end());
    const { port } = new URL(url);
    // A name that is public when it is looked at, and this machine when it is called.
    const answers: LookupAddress[][] = [
      [{ address: "10.0.0.1", family: 4 }],
      [{ address: "127.0.0.1", family: 4 }],
      [{ address: "169.254.169.254", family: 4 }],
      [{ address: "::ffff:127.0.0.1", family: 6 }],
    ];
    const strict = client({
      allowLocal: false,
      resolveName: (_, answer) => answer(null, answers.shift() ?? []),
    });
    for (let call = 0; call < 4; call++) {
      expect(await post(`https://rebind.test:${port}/`, strict)).toEqual({
        kind: "failed",
        reason: "EADDRESSNOTALLOWED",
      });
    }
    expect(answers).toEqual([]);
    expect(seen).toEqual([]);
  });

  it("connects to the allowed address of a name that has others too", async () => {
    const { url, seen } = await receiver((_, response) => response.end());
    const mixed: LookupAddress[] = [
      { address: "10.0.0.1", family: 4 },
      { address: "127.0.0.1", family: 4 },
    ];
    const caller = client({ resolveName: (_, answer) => answer(null, mixed) });
    const { port } = new URL(url);
    expect(await post(`http://mixed.test:${port}/hook`, caller)).toMatchObject({ status: 200 });
    expect(seen).toEqual(["/hook"]);
  });

  it("gives a slow receiver eight calls at once, and says that it has them", async () => {
    const held: (() => void)[] = [];
    const { url } = await receiver((_, response) => held.push(() => response.end()));
    const caller = client();
    const calls = Array.from({ length: 8 }, () => post(url, caller));
    expect(await post(url, caller)).toBeUndefined();
    await expect.poll(() => held.length, { timeout: 20_000 }).toBe(8);
    for (const answer of held) answer();
    expect((await Promise.all(calls)).every((answer) => answer?.kind === "answered")).toBe(true);
    const again = post(url, caller);
    await expect.poll(() => held.length, { timeout: 20_000 }).toBe(9);
    held[8]?.();
    expect(await again).toMatchObject({ status: 200 });
  });
});
