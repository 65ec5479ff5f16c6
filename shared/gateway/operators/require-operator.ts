import { GatewayError } from "../../core/errors.ts";
import type { HeaderList } from "../../core/headers.ts";
import { OPERATOR_KEY_HEADER } from "../../identity/index.ts";
import type { Services } from "../services.ts";

const FOR_OPERATORS = "This is for those who run the gateway.";
const NO_KEYS = "No operator's key is accepted here: the setting OperatorKeys is empty.";

/** Throws for everybody who is no operator, by key or by role. */
export async function requireOperator(services: Services, headers: HeaderList): Promise<void> {
  const { authenticate, operators, settings } = services;
  const standing = operators(headers);
  if (standing === "operator") return;
  const canBeShown = settings.operatorKeys.length > 0;
  if (standing === "refused") {
    throw new GatewayError("operator-key-refused", canBeShown ? FOR_OPERATORS : NO_KEYS);
  }
  const { caller } = (await authenticate?.(headers)) ?? {};
  if (caller?.isOperator) return;
  if (caller) {
    throw new GatewayError("operator-role-missing", FOR_OPERATORS);
  }
  const detail = canBeShown ? `The header ${OPERATOR_KEY_HEADER} is missing.` : NO_KEYS;
  throw new GatewayError("operator-key-missing", detail, {
    headers: [["www-authenticate", "OperatorKey"]],
  });
}
