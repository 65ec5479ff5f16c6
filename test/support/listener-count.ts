import { getEventListeners } from "node:events";

/** How many abort listeners a signal has; zero after use proves that none leaked. */
export function listenerCount(signal: AbortSignal): number {
  return getEventListeners(signal, "abort").length;
}
