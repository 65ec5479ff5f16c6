import type { BackendId, PriorityClass } from "../core/domain.ts";
import type { PassedOver, PassedOverReason } from "./backend-view.ts";
import type { Selection } from "./select-backends.ts";

/** One look at the backends. Times count from the request's arrival. */
export interface Decision {
  readonly atMs: number;
  readonly candidates: readonly BackendId[];
  readonly passedOver: readonly {
    readonly backend: BackendId;
    readonly reason: PassedOverReason;
    readonly readyInMs?: number;
  }[];
  readonly isAffine?: true;
}

/** One call to a backend. */
export interface AttemptRecord {
  readonly backend: BackendId;
  readonly tier: number;
  readonly atMs: number;
  readonly tookMs: number;
  /** Status of its answer, or the one that stands for what went wrong. */
  readonly status: number;
  readonly outcome: string;
}

/** How a request came to its answer: plain data, the same for telemetry and for a caller who may see it. */
export interface DecisionReceipt {
  readonly requestId: string;
  readonly priority: PriorityClass;
  readonly decisions: readonly Decision[];
  /** Decisions left out because there were too many. */
  readonly omitted: number;
  /** The latest hundred, here. */
  readonly attempts: readonly AttemptRecord[];
  /** Waits for a backend's clock, for room, or for the leave to spill. */
  readonly waitedMs: number;
  /** The tier that answered when it was not the first, and how long after arrival it was called. */
  readonly spill?: { readonly tier: number; readonly afterMs: number };
  readonly outcome: "answered" | "requeued" | "failed";
}

/** Writes down what a selection decided. */
export function toDecision(
  { candidates, passedOver, isAffine }: Selection,
  { nowMs, receivedAt }: { readonly nowMs: number; readonly receivedAt: number },
): Decision {
  return {
    atMs: nowMs - receivedAt,
    candidates: candidates.map(({ host }) => host.id),
    passedOver: passedOver.map(({ backend, reason, readyAt }: PassedOver) => ({
      backend,
      reason,
      ...(readyAt === undefined ? {} : { readyInMs: readyAt - nowMs }),
    })),
    ...(isAffine ? { isAffine } : {}),
  };
}

const MAX_HEADER_BYTES = 4096;

/** The receipt as a header's value; what does not fit is left out, decisions first, and counted. */
export function receiptHeader(receipt: DecisionReceipt): string {
  for (let kept = receipt.decisions.length; kept >= 0; kept--) {
    const omitted = receipt.omitted + receipt.decisions.length - kept;
    const decisions = kept === 0 ? [] : receipt.decisions.slice(-kept);
    const text = asciiJson({ ...receipt, decisions, omitted });
    if (text.length <= MAX_HEADER_BYTES) return text;
  }
  const { requestId, outcome, attempts } = receipt;
  return asciiJson({ requestId, outcome, attempts: attempts.length });
}

/** A header's value is visible ASCII. */
const asciiJson = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
