import { BrokerError, notEmulated } from "../amqp/errors.ts";
import { type Typed, types } from "../amqp/rhea.ts";
import { renewLock, updateDisposition } from "./message-locks.ts";
import type { Operation, OperationContext } from "./operation.ts";
import { peekMessage, receiveBySequenceNumber } from "./reading.ts";
import { encodeResponse, type Request } from "./request.ts";
import { RequestBody } from "./request-body.ts";
import { addRule, enumerateRules, removeRule } from "./rules.ts";
import { cancelScheduledMessage, scheduleMessage } from "./scheduling.ts";
import {
  getMessageSessions,
  getSessionState,
  renewSessionLock,
  setSessionState,
} from "./sessions.ts";

const OPERATIONS: ReadonlyMap<string, Operation> = new Map([
  ["com.microsoft:renew-lock", renewLock],
  ["com.microsoft:update-disposition", updateDisposition],
  ["com.microsoft:schedule-message", scheduleMessage],
  ["com.microsoft:cancel-scheduled-message", cancelScheduledMessage],
  ["com.microsoft:peek-message", peekMessage],
  ["com.microsoft:receive-by-sequence-number", receiveBySequenceNumber],
  ["com.microsoft:renew-session-lock", renewSessionLock],
  ["com.microsoft:set-session-state", setSessionState],
  ["com.microsoft:get-session-state", getSessionState],
  ["com.microsoft:get-message-sessions", getMessageSessions],
  ["com.microsoft:add-rule", addRule],
  ["com.microsoft:remove-rule", removeRule],
  ["com.microsoft:enumerate-rules", enumerateRules],
]);

/** Carries out a management request and encodes the response, to be sent after the commit. */
export function respond(request: Request, context: Omit<OperationContext, "body">): Buffer {
  try {
    const operation = OPERATIONS.get(request.operation);
    if (!operation) throw notEmulated(`the management operation ${request.operation}`);
    const { status, body } = operation({ ...context, body: new RequestBody(request.body) });
    return encodeResponse(request, { properties: statusOf(status, "OK"), body });
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    // Without a condition the SDK would guess one from the status, wrongly.
    const errorCondition = types.wrap_symbol(error.condition);
    const properties = { ...statusOf(error.status, error.message), errorCondition };
    return encodeResponse(request, { properties });
  }
}

const statusOf = (code: number, description: string): Record<string, Typed> => ({
  statusCode: types.wrap_int(code),
  statusDescription: types.wrap_string(description),
});

/** Answers a `$cbs` request: any token will do, for nobody but this machine can connect. */
export function respondToToken(request: Request): Buffer {
  const properties = {
    "status-code": types.wrap_int(202),
    "status-description": types.wrap_string("Accepted"),
  };
  return encodeResponse(request, { properties });
}
