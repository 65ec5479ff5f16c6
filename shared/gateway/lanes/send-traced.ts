import { elapsedMs } from "../../core/clock.ts";
import { type TraceContext, toTraceFields } from "../../core/trace-context.ts";
import type { OutgoingMessage, ServiceBus } from "../../messaging/index.ts";
import { messageSent, spanFacts } from "../../telemetry/index.ts";
import type { Services } from "../services.ts";

/** A message for a lane, and what it is sent for. */
export interface TracedMessage {
  readonly queue: string;
  readonly message: OutgoingMessage;
  /** Of the request or job it belongs to. */
  readonly requestId: string;
  /** Where in a trace it is sent; it begins one of its own unless given. */
  readonly parent: TraceContext | undefined;
}

/** Sends a message whose receiver goes on with the trace; where nobody traces, as it is. */
export async function sendTraced(
  { tracing, clock, emit }: Pick<Services, "tracing" | "clock" | "emit">,
  bus: Pick<ServiceBus, "send">,
  { queue, message, requestId, parent }: TracedMessage,
): Promise<void> {
  if (!tracing) return bus.send(queue, message);
  const span = parent ? tracing.within(parent) : tracing.beginWithin(undefined);
  const { messageId, applicationProperties } = message;
  const startedAt = clock.now();
  let isSent = false;
  try {
    await bus.send(queue, {
      ...message,
      applicationProperties: { ...applicationProperties, ...toTraceFields(span) },
    });
    isSent = true;
  } finally {
    const tookMs = elapsedMs(clock, startedAt);
    const facts = { queue, messageId, isSent, startedAt, tookMs };
    emit(messageSent(requestId, () => ({ ...facts, ...spanFacts(span) })));
  }
}
