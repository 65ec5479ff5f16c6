import { GatewayError } from "../core/errors.ts";
import type { HeaderList } from "../core/headers.ts";
import { OPERATOR_KEY_HEADER } from "../identity/index.ts";
import type { Services } from "./services.ts";

/** Throws for everybody who is no operator. */
export function requireOperator({ operators }: Services, headers: HeaderList): void {
  const standing = operators(headers);
  if (standing === "operator") return;
  if (standing === "refused") {
    throw new GatewayError("operator-key-refused", "This is for those who run the gateway.");
  }
  throw new GatewayError("operator-key-missing", `The header ${OPERATOR_KEY_HEADER} is missing.`, {
    headers: [["www-authenticate", "OperatorKey"]],
  });
}
