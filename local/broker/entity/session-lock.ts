import type { SessionConsumer } from "./consumer.ts";
import type { MessageLock } from "./locks.ts";

/** One consumer's hold on a session and on the messages it took from it. */
export interface SessionLock {
  readonly sessionId: string;
  readonly consumer: SessionConsumer;
  readonly messages: Map<string, MessageLock>;
  lockedUntil: number;
  isHeld: boolean;
}
