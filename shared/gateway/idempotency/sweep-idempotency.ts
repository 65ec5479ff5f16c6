import { idempotencySweepFailed, idempotencySwept } from "../../telemetry/index.ts";
import type { Services } from "../services.ts";

const MAX_KEYS_A_SWEEP = 4000;

/** Removes idempotency keys that count no more, and their answers; what it leaves is for the next time. */
export async function sweepIdempotency({
  idempotency,
  clock,
  emit,
  stopping,
}: Pick<Services, "idempotency" | "clock" | "emit" | "stopping">): Promise<void> {
  const sweep = { nowMs: clock.now(), atMost: MAX_KEYS_A_SWEEP, signal: stopping };
  try {
    const removed = (await idempotency?.store.sweep(sweep)) ?? 0;
    if (removed > 0) emit(idempotencySwept(removed));
  } catch (error) {
    emit(idempotencySweepFailed(error));
  }
}
