import { notAllowed, sessionLockLost } from "../amqp/errors.ts";
import { types } from "../amqp/rhea.ts";
import { arrayOf, mapOf } from "../amqp/typed.ts";
import type { SessionDispatcher } from "../entity/session-dispatcher.ts";
import type { SessionLock } from "../entity/session-lock.ts";
import { DONE, NOTHING, type Operation, type OperationContext, queueOf } from "./operation.ts";

/** Gives a session lock its full time again. */
export const renewSessionLock: Operation = (context) => {
  const expiration = sessionsOf(context).renew(lockOf(context));
  return { status: 200, body: mapOf({ expiration: types.wrap_timestamp(expiration) }) };
};

/** Keeps a session's state; null clears it. */
export const setSessionState: Operation = (context) => {
  const { sessionId } = lockOf(context);
  queueOf(context).sessionStates.set(sessionId, context.body.binary("session-state"));
  return DONE;
};

export const getSessionState: Operation = (context) => {
  const { sessionId } = lockOf(context);
  const state = queueOf(context).sessionStates.get(sessionId);
  const typed = state ? types.wrap_binary(state) : types.Null();
  return { status: 200, body: mapOf({ "session-state": typed }) };
};

/** Lists sessions: with messages or, when a time is given, those whose state changed since. */
export const getMessageSessions: Operation = (context) => {
  const { body } = context;
  const [skip, top] = [body.number("skip"), body.number("top")];
  const updatedAt = body.field("last-updated-time")?.value;
  const updatedAfter = updatedAt instanceof Date ? updatedAt.getTime() : Number.NaN;
  const ids = sessionIds(context, updatedAfter).slice(skip, skip + top);
  if (ids.length === 0) return NOTHING;
  const fields = {
    skip: types.wrap_int(skip + ids.length),
    "sessions-ids": arrayOf("string", ids),
  };
  return { status: 200, body: mapOf(fields) };
};

// SDKs ask for sessions with messages by naming the largest time that .NET knows.
const MAX_DATE_MS = Date.UTC(9999, 11, 31);

function sessionIds(context: OperationContext, updatedAfter: number): string[] {
  const isAboutState = updatedAfter < MAX_DATE_MS;
  if (isAboutState) return queueOf(context).sessionStates.changedSince(updatedAfter);
  return sessionsOf(context).ids().sort();
}

function sessionsOf(context: OperationContext): SessionDispatcher {
  const queue = queueOf(context);
  if (queue.sessions) return queue.sessions;
  throw notAllowed(`'${queue.path}' has no sessions.`);
}

function lockOf(context: OperationContext): SessionLock {
  const sessionId = context.body.text("session-id");
  const lock = sessionsOf(context).holderOf(sessionId);
  if (!lock) throw sessionLockLost(sessionId);
  return lock;
}
