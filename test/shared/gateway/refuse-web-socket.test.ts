import { describe, expect, it } from "vitest";
import type { HeaderList } from "../../../shared/core/headers.ts";
import { handleRequest } from "../../../shared/gateway/index.ts";
import { createGateway, requestTo } from "../../support/gateway.ts";
import { textOf } from "../../support/streams.ts";

const KEY = ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="] as const;
const UPGRADE = [
  ["Connection", "Upgrade"],
  ["Upgrade", "websocket"],
] as const;

async function ask(method: string, headers: HeaderList) {
  const gateway = createGateway();
  gateway.backends.answer(200, "from a backend");
  const request = requestTo(gateway, { method, target: "/v1/realtime?model=m", headers });
  const { status, body } = await handleRequest(gateway.services, request, undefined);
  return { status, text: await textOf(body), calls: gateway.backends.calls.length };
}

describe("a request that opens a WebSocket", () => {
  it.each([
    ["as it was sent", [...UPGRADE, KEY]],
    ["by a host that took the upgrade out", [KEY]],
  ])("is refused %s, and no backend hears of it", async (_, headers) => {
    const { status, text, calls } = await ask("GET", headers);
    expect({ status, calls }).toEqual({ status: 501, calls: 0 });
    expect(JSON.parse(text)).toMatchObject({ code: "websocket-unsupported" });
  });

  it.each([
    ["GET", [["Upgrade", "h2c"]]],
    ["POST", [KEY]],
  ] as const)("is not a %s with %j", async (method, headers) => {
    expect(await ask(method, headers)).toMatchObject({ status: 200, calls: 1 });
  });
});
