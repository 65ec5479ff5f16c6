import { GatewayError } from "../../core/errors.ts";
import type { HeaderList } from "../../core/headers.ts";
import { OPERATOR_KEY_HEADER } from "../../identity/index.ts";
import type { Services } from "../services.ts";

/** Throws for everybody who is no operator, by key or by role. */
export async function requireOperator(services: Services, headers: HeaderList): Promise<void> {
  const { authenticate, operators } = services;
  const standing = operators(headers);
  if (standing === "operator") return;
  if (standing === "refused") {
    throw new GatewayError("operator-key-refused", "This is for those who run the gateway.");
  }
  const { caller } = (await authenticate?.(headers)) ?? {};
  if (caller?.isOperator) return;
  if (caller) {
    throw new GatewayError("operator-role-missing", "This is for those who run the gateway.");
  }
  throw new GatewayError("operator-key-missing", `The header ${OPERATOR_KEY_HEADER} is missing.`, {
    headers: [["www-authenticate", "OperatorKey"]],
  });
}
