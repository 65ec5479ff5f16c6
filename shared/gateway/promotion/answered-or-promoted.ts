import type { Clock } from "../../core/clock.ts";

/** What came of an attempt to make a job of a request. */
export type PromotionResult =
  /** The job stands: whatever happens, it will end. */
  | "promoted"
  /** It could not be stored; another try may succeed. */
  | "failed"
  /** The answer is on its way already: there is nothing to promote any more. */
  | "answered";

export interface PromotableWork<Answer> {
  /** The work for the request: resolves when its answer begins. */
  readonly working: Promise<Answer>;
  /** Epoch milliseconds at which the request becomes a job unless its answer has begun. */
  readonly at: number;
  /** Stores all that the job needs. Must not reject. */
  promote(): Promise<PromotionResult>;
  /**
   * What happens to an answer that begins while the job is being stored. `retract` given, it is the
   * caller's, and the job is taken back; without, the job keeps it, if it comes to stand soon.
   */
  readonly retract?: () => Promise<void>;
}

// While the storage is away the caller keeps waiting for the ordinary answer, and is promoted later.
const RETRY_MS = 2000;
// An answer that is there is not held back for longer by a storage that does not answer.
const VERDICT_MS = 2000;

/**
 * The race of a request's answer with its promotion, as its holder sees it: the answer, or undefined
 * when the request is a job now.
 */
export async function answeredOrPromoted<Answer>(
  clock: Clock,
  { working, at, promote, retract }: PromotableWork<Answer>,
): Promise<Answer | undefined> {
  const inTime = await withinTime(clock, working, at - clock.now());
  // Nearly every request ends here.
  if (inTime !== undefined) return inTime;
  const settled = working.then(
    (answer) => ({ answer }),
    (error: unknown) => ({ error }),
  );
  for (;;) {
    const promoting = promote();
    const result = await Promise.race([settled, promoting]);
    if (typeof result !== "string") {
      if (await isOvertaken(clock, { promoting, retract })) return undefined;
      return answerOf(result);
    }
    if (result === "promoted") return undefined;
    if (result === "answered") return answerOf(await settled);
    const late = await withinTime(clock, settled, RETRY_MS);
    if (!late) continue;
    // The try that failed may have left a job behind, which would be done once more for nobody.
    retract?.().catch(() => {});
    return answerOf(late);
  }
}

/**
 * What `work` comes to, or undefined when it takes longer. Every request that may become a job waits
 * here: to abort a signal for nobody would cost more than all the rest of it.
 */
function withinTime<Value>(
  clock: Clock,
  work: Promise<Value>,
  limitMs: number,
): Promise<Value | undefined> {
  return new Promise((resolve, reject) => {
    const cancel = clock.schedule(limitMs, () => resolve(undefined));
    work.then(
      (value) => {
        cancel();
        resolve(value);
      },
      (error: unknown) => {
        cancel();
        reject(error);
      },
    );
  });
}

/** Whether a promotion that an answer found under way takes it over. */
async function isOvertaken(
  clock: Clock,
  {
    promoting,
    retract,
  }: { promoting: Promise<PromotionResult>; retract: (() => Promise<void>) | undefined },
): Promise<boolean> {
  if (retract) {
    void promoting.then(retract).catch(() => {});
    return false;
  }
  return (await withinTime(clock, promoting, VERDICT_MS)) === "promoted";
}

function answerOf<Answer>(settled: { answer: Answer } | { error: unknown }): Answer {
  if ("error" in settled) throw settled.error;
  return settled.answer;
}
