import { GatewayError } from "../../core/errors.ts";
import type { LaneRun } from "../lanes/lane-run.ts";
import { isJobByNow } from "../promotion/promoted-turn.ts";

/** Watches whether somebody waits for the answer to a message of a lane. Scope: per invocation. */
export interface CallerWatch extends Disposable {
  /** Aborts when the caller has left, unless what they asked for is a job by then. */
  readonly signal: AbortSignal;
}

/** A backend works for nobody whose client has left, wherever that was connected. */
export function watchCaller(run: LaneRun): CallerWatch {
  const { services, envelope } = run;
  const gone = new AbortController();
  if (envelope.kind !== "request") return { signal: gone.signal, [Symbol.dispose]() {} };
  const unwatch = services.fairShare.left.watch(envelope.id, () => {
    // Its holder makes a job of a request before it stops waiting: what is none now will be none.
    isJobByNow(run).then(
      (isJob) => {
        if (!isJob) gone.abort(new GatewayError("client-closed", "The client has left."));
      },
      // A storage that does not answer: then the work goes on as if nothing had been heard.
      () => {},
    );
  });
  return { signal: gone.signal, [Symbol.dispose]: unwatch };
}
