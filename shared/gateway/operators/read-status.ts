import { GatewayError } from "../../core/errors.ts";
import type { HeaderList } from "../../core/headers.ts";
import { type GatewayResponse, jsonResponse } from "../../core/http.ts";
import type { Services } from "../services.ts";
import { briefStatus, instanceStatus } from "./instance-status.ts";
import { requireOperator } from "./require-operator.ts";

/** Shows an operator what this instance is doing; throws for everybody else. `brief=true` leaves the lists out. */
export async function readStatus(
  services: Services,
  headers: HeaderList,
  target = "",
): Promise<GatewayResponse> {
  await requireOperator(services, headers);
  const isBrief = /[?&]brief=true(?:&|$)/.test(target);
  if (isBrief) return jsonResponse(200, briefStatus(services));
  return jsonResponse(200, instanceStatus(services));
}

/** Shows an operator how the gateway decided about a recent request. */
export async function readReceipt(
  services: Services,
  { requestId, headers }: { requestId: string; headers: HeaderList },
): Promise<GatewayResponse> {
  await requireOperator(services, headers);
  const receipt = services.traffic.receipt(requestId);
  if (receipt) return jsonResponse(200, receipt);
  throw new GatewayError("receipt-not-found", "This instance knows no such recent request.");
}
