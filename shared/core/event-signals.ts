/**
 * What a stream that has begun may tell besides content: an error, why it finishes, a last word. Text that
 * speaks of them is merely read.
 */
export const TURN_SIGNAL =
  /error["\r\n]|_reason"(?!: ?null)|Reason"(?!: ?null)|\[DONE\]|message_stop|response\.(?:completed|incomplete|cancelled|failed)/g;

// No mere text, for which an engine stops at every quote.
const NAMED_USAGE = '"usage(?:Metadata)?"';

/** What it used. Within a JSON string both quotes would be escaped, so that text is not taken for the field. */
export const USAGE_SIGNAL = new RegExp(`${NAMED_USAGE}(?!: ?null)`, "g");

/** Either, with one search of each piece for everybody who follows its stream. */
export const ANY_SIGNAL = new RegExp(`${TURN_SIGNAL.source}|${USAGE_SIGNAL.source}`);

/** The same where usage counts that is told as null: one that is to be taken out. */
export const ANY_SIGNAL_OR_NULL = new RegExp(`${TURN_SIGNAL.source}|${NAMED_USAGE}`);

/** Whether a pattern finds nothing in front of the first {@link ANY_SIGNAL}. */
export const isSignal = (pattern: RegExp): boolean =>
  pattern === TURN_SIGNAL || pattern === USAGE_SIGNAL;
