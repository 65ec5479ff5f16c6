import { GatewayError } from "../core/errors.ts";
import type { HeaderList } from "../core/headers.ts";
import type { GatewayResponse } from "../core/http.ts";
import { OPERATOR_KEY_HEADER } from "../identity/index.ts";
import { instanceStatus } from "./instance-status.ts";
import type { Services } from "./services.ts";

/** Shows an operator what this instance is doing; throws for everybody else. */
export async function readStatus(
  services: Services,
  headers: HeaderList,
): Promise<GatewayResponse> {
  requireOperator(services, headers);
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

function requireOperator({ operators }: Services, headers: HeaderList): void {
  const standing = operators(headers);
  if (standing === "operator") return;
  if (standing === "refused") {
    throw new GatewayError("operator-key-refused", "This is for those who run the gateway.");
  }
  throw new GatewayError("operator-key-missing", `The header ${OPERATOR_KEY_HEADER} is missing.`, {
    headers: [["www-authenticate", "OperatorKey"]],
  });
}
