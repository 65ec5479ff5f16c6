import { type BackendAnswer, type BackendFailure, ContinuedStream } from "../../backends/index.ts";
import { createDeadline } from "../../core/deadline.ts";
import { GatewayError } from "../../core/errors.ts";
import type { Candidate } from "../../routing/index.ts";
import { streamContinued } from "../../telemetry/index.ts";
import { ttlExpired } from "../end-reasons.ts";
import type { Services } from "../services.ts";
import { type Found, findAnswer, type Search } from "./find-answer.ts";
import { isOpenEventStream } from "./stream-error-event.ts";

/** An answer and who gave it. */
export interface BegunAnswer {
  readonly answer: BackendAnswer;
  readonly candidate?: Candidate;
}

/**
 * The answer as it is; where its backend's setting says so, an event stream that breaks is asked for
 * elsewhere while the request has time and attempts left, and goes on where that matches.
 */
export function continueElsewhere(
  services: Services,
  { request, trip }: Pick<Search, "request" | "trip">,
  { answer: first, candidate }: BegunAnswer,
): BackendAnswer {
  if (candidate?.host.midstream !== "verify" || !isStream(first)) return first;
  // A body on disk is let go once there is an answer, and cannot be sent again.
  if (request.body !== undefined && !(request.body instanceof Uint8Array)) return first;
  const leaving = new AbortController();
  let current: BegunAnswer = { answer: first, candidate };
  const restart = async (failure: BackendFailure): Promise<BackendAnswer | undefined> => {
    // One that reported its own failure has not ended yet.
    request.usage?.current?.ended("broken");
    current.answer.discard();
    if (!current.candidate) return undefined;
    trip.broke(current.candidate, failure.kind === "idle-timeout" ? "silent" : "tried");
    const found = await another(services, { request, trip, signal: leaving.signal });
    if (!found) return undefined;
    current = found;
    // Whoever left meanwhile gave up the answer before this one.
    if (!leaving.signal.aborted && isStream(found.answer)) return found.answer;
    if (leaving.signal.aborted) found.answer.discard();
    else giveUp();
    return undefined;
  };
  /** Of what is given up here nobody got a byte, but its backend counts it. */
  const giveUp = (): void => {
    request.usage?.current?.ended("unused");
    current.answer.discard();
  };
  const body = new ContinuedStream({
    first: first.body,
    restart: async (failure) => (await restart(failure))?.body,
    discard: giveUp,
    onContinuation: (outcome) =>
      services.emit(
        streamContinued(request.id, { outcome, backend: current.candidate?.host.id ?? "" }),
      ),
  });
  return {
    ...first,
    body,
    trailers: () => current.answer.trailers?.() ?? [],
    discard() {
      leaving.abort(new GatewayError("client-closed", "The answer is not wanted any more."));
      current.answer.discard();
    },
  };
}

const isStream = ({ status, headers }: BackendAnswer): boolean =>
  status >= 200 && status <= 299 && isOpenEventStream(headers);

/** Whoever else answers within the request's time; a stream that broke has no second error to tell. */
async function another(services: Services, way: Search): Promise<Found | undefined> {
  const { clock } = services;
  using deadline = createDeadline(clock, way.trip.facts.expiresAt, {
    reason: ttlExpired,
    parent: way.signal,
  });
  try {
    return await findAnswer(services, { ...way, signal: deadline.signal });
  } catch {
    way.trip.letGo();
    return undefined;
  }
}
