import { argumentError, sizeExceeded } from "../amqp/errors.ts";
import { type IncomingMessage, readMessage } from "../amqp/incoming-message.ts";
import type { Typed } from "../amqp/rhea.ts";
import { arrayOf, entriesOf, mapOf } from "../amqp/typed.ts";
import { DONE, type Operation, targetOf } from "./operation.ts";

// What a duplicate gets instead of a sequence number: there is no message to cancel.
const NO_SEQUENCE_NUMBER = 0;

/** Stores messages that become active at the time that their own annotation names. */
export const scheduleMessage: Operation = (context) => {
  const target = targetOf(context);
  const messages = context.body.list("messages").map(messageIn);
  const { maxMessageBytes } = target.settings;
  if (messages.some(({ sizeBytes }) => sizeBytes > maxMessageBytes)) {
    throw sizeExceeded(
      `A message exceeds the limit of ${maxMessageBytes} bytes of '${target.path}'.`,
    );
  }
  const refusal = target.refusal(messages);
  if (refusal) throw refusal;
  const numbers = messages.map((message) => target.accept(message) ?? NO_SEQUENCE_NUMBER);
  return { status: 200, body: mapOf({ "sequence-numbers": arrayOf("long", numbers) }) };
};

/** Withdraws scheduled messages. */
export const cancelScheduledMessage: Operation = (context) => {
  targetOf(context).cancelScheduled(context.body.numbers("sequence-numbers"));
  return DONE;
};

function messageIn(entry: Typed): IncomingMessage {
  const bytes = entriesOf(entry).find(([key]) => key === "message")?.[1].value;
  if (!Buffer.isBuffer(bytes)) throw argumentError("An entry of 'messages' holds no message.");
  return readMessage(bytes);
}
