import type { HeaderList } from "../core/headers.ts";
import type { GatewayResponse } from "../core/http.ts";
import { instanceStatus } from "./instance-status.ts";
import { requireOperator } from "./require-operator.ts";
import type { Services } from "./services.ts";

/** Shows an operator what this instance is doing; throws for everybody else. */
export async function readStatus(
  services: Services,
  headers: HeaderList,
): Promise<GatewayResponse> {
  await requireOperator(services, headers);
  const body = Buffer.from(JSON.stringify(instanceStatus(services)));
  return {
    status: 200,
    headers: [
      ["content-type", "application/json"],
      ["content-length", String(body.byteLength)],
      ["cache-control", "no-store"],
    ],
    body,
  };
}
