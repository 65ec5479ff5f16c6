import { argumentError, sessionLockLost } from "../amqp/errors.ts";
import { arrayOf, entriesOf, mapOf } from "../amqp/typed.ts";
import type { Disposition } from "../entity/disposition.ts";
import type { MessageQueue } from "../entity/message-queue.ts";
import type { SessionLock } from "../entity/session-lock.ts";
import { DONE, type Operation, type OperationContext, queueOf } from "./operation.ts";

/** Gives message locks their full time again. */
export const renewLock: Operation = (context) => {
  const { settlement } = queueOf(context);
  const locks = context.body.tokens("lock-tokens").map((token) => settlement.find(token));
  const expirations = locks.map((lock) => settlement.renew(lock));
  return { status: 200, body: mapOf({ expirations: arrayOf("timestamp", expirations) }) };
};

/** Settles messages by their lock tokens: how deferred ones, and those of closed links, settle. */
export const updateDisposition: Operation = (context) => {
  const queue = queueOf(context);
  const session = heldSession(queue, context);
  const tokens = context.body.tokens("lock-tokens");
  const locks = tokens.map((token) => queue.settlement.find(token, session));
  const disposition = dispositionIn(context);
  for (const lock of locks) queue.settlement.settle(lock, disposition);
  return DONE;
};

function dispositionIn({ body }: OperationContext): Disposition {
  const properties = entriesOf(body.field("properties-to-modify"));
  const status = body.text("disposition-status");
  switch (status) {
    case "completed":
      return { kind: "complete" };
    case "abandoned":
      return { kind: "abandon", properties };
    // The protocol's own spelling.
    case "defered":
      return { kind: "defer", properties };
    case "suspended": {
      const reason = body.optionalText("deadletter-reason");
      const description = body.optionalText("deadletter-description");
      return { kind: "deadLetter", why: { reason, description, properties } };
    }
    default:
      throw argumentError(`There is no disposition status '${status}'.`);
  }
}

/** The lock of the session that the request names, if it names one. */
export function heldSession(
  queue: MessageQueue,
  { body }: OperationContext,
): SessionLock | undefined {
  const sessionId = body.optionalText("session-id");
  if (sessionId === undefined || !queue.sessions) return undefined;
  const lock = queue.sessions.holderOf(sessionId);
  if (!lock) throw sessionLockLost(sessionId);
  return lock;
}
