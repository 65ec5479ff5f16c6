import type { HeaderList } from "../../shared/core/headers.ts";
import { handleRequest } from "../../shared/gateway/index.ts";
import { createGateway, requestTo, type TestGateway } from "./gateway.ts";
import { textOf } from "./streams.ts";

/** An answer as its client has it in the end. */
export interface Served {
  readonly status: number;
  readonly text: string;
  readonly headers: HeaderList;
}

/** Serves a request to its answer's last byte. */
export async function serve(
  gateway: TestGateway,
  change: Parameters<typeof requestTo>[1] = {},
): Promise<Served> {
  const { services } = gateway;
  const { status, headers, body } = await handleRequest(
    services,
    requestTo(gateway, change),
    undefined,
  );
  return { status, text: await textOf(body), headers };
}

/** A gateway that serves in process, with two backends that take turns unless a test says otherwise. */
export const openPair = (env: Record<string, string> = {}): TestGateway =>
  createGateway({
    GATEWAY_SYNC_MODE: "direct",
    LoadBalanceMode: "roundrobin",
    Host2: "http://backend-2.test",
    ...env,
  });

/** Whom the gateway has called, in turn. */
export const hostsOf = ({ backends }: TestGateway): string[] =>
  backends.calls.map(({ host }) => host.id);
