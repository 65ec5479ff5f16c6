import type { ReplyEnvelope } from "../../messaging/index.ts";
import { replyUnclaimed } from "../../telemetry/index.ts";
import type { Services } from "../services.ts";

/** Hears of a reply that nobody waits for any more: who asked for it has left, and a backend has worked all the same. */
export function onUnclaimedReply(
  { emit, limits }: Pick<Services, "emit" | "limits">,
  { requestId, status, attempts = 0 }: ReplyEnvelope,
): void {
  emit(replyUnclaimed(requestId));
  if (attempts > 0 && status < 500) limits.abandoned.charge(requestId);
}
