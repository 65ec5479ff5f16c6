/** An AMQP error as it travels: in a rejected outcome, a detach or a management response. */
export interface AmqpError {
  readonly condition: string;
  readonly description: string;
}

/** Thrown for what a client asked in vain; it becomes an AMQP error where the request came in. */
export class BrokerError extends Error {
  override readonly name = "BrokerError";
  readonly condition: string;
  /** The status of a management response that carries this error. */
  readonly status: number;

  constructor({ condition, description, status }: AmqpError & { status: number }) {
    super(description);
    this.condition = condition;
    this.status = status;
  }

  /** The error in the form that AMQP carries. */
  get amqp(): AmqpError {
    return { condition: this.condition, description: this.message };
  }
}

const define =
  (condition: string, status: number) =>
  (description: string): BrokerError =>
    new BrokerError({ condition, status, description });

export const notAllowed = define("amqp:not-allowed", 400);
export const argumentError = define("com.microsoft:argument-error", 400);
export const malformed = define("amqp:decode-error", 400);
export const quotaExceeded = define("amqp:resource-limit-exceeded", 403);
export const sizeExceeded = define("amqp:link:message-size-exceeded", 400);
export const messageNotFound = define("com.microsoft:message-not-found", 404);
export const alreadyExists = define("com.microsoft:entity-already-exists", 409);
export const ruleNotFound = define("com.microsoft:entity-not-found", 404);
export const serverTimeout = define("com.microsoft:timeout", 408);
export const sessionBusy = define("com.microsoft:session-cannot-be-locked", 409);
const notFound = define("amqp:not-found", 404);
const notImplemented = define("amqp:not-implemented", 501);
const lockLost = define("com.microsoft:message-lock-lost", 410);
const sessionGone = define("com.microsoft:session-lock-lost", 410);

/** SDKs recognise a missing entity by this very wording. */
export const entityNotFound = (path: string): BrokerError =>
  notFound(`The messaging entity '${path}' could not be found.`);

/** What the local stack refuses by name. */
export const notEmulated = (feature: string): BrokerError =>
  notImplemented(`The local stack does not emulate ${feature}.`);

export const messageLockLost = (): BrokerError =>
  lockLost(
    "The lock supplied is invalid. Either the lock expired, or the message has already been removed from the queue.",
  );

export const sessionLockLost = (sessionId: string): BrokerError =>
  sessionGone(`The lock of session '${sessionId}' has expired or was never held.`);
