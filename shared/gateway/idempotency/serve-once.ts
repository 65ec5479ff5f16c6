import { createHash } from "node:crypto";
import { isJobAtOnce } from "../../admission/index.ts";
import { delay } from "../../core/clock.ts";
import { createDeadline } from "../../core/deadline.ts";
import { GatewayError } from "../../core/errors.ts";
import { headerValue } from "../../core/headers.ts";
import type { GatewayResponse, ResponseBody } from "../../core/http.ts";
import { endedEarly } from "../calls/answer-body.ts";
import { ttlExpired } from "../end-reasons.ts";
import type { AdmittedRequest } from "../entry/request-envelope.ts";
import type { Services } from "../services.ts";
import { HeldKey, type Idempotency } from "./held-key.ts";
import type { ClaimedJob, KeptAnswer, KeyUse } from "./idempotency-store.ts";

const KEY_HEADER = "idempotency-key";
const MAX_KEY_LENGTH = 255;
// Most requests are answered soon; of one that takes long nobody need know at once.
const JOIN_POLL_MS = 200;
const MAX_JOIN_POLL_MS = 1000;
// A longer stream is not kept: its repetition runs again.
const MAX_KEPT_BYTES = 4 * 1024 * 1024;

type Serve<Admitted> = (admitted: Admitted) => Promise<GatewayResponse>;

/**
 * Serves a request that carries an `Idempotency-Key` once: a repetition gets the first one's answer,
 * or joins it while it runs. One backend call, one bill. Answers that a repetition may better, such as
 * a 429, are not kept. One that waits for a request whose instance has died takes its place after some
 * seconds of silence; what is taken for dead and is not works on for its own caller. Of a request that
 * becomes a job at once the key holds the job's id: wherever the first one broke off, a repetition makes
 * the same job, and need not wait until it is known to be dead.
 */
export function serveOnce<Admitted extends AdmittedRequest>(
  services: Services,
  admitted: Admitted,
  serve: Serve<Admitted>,
): Promise<GatewayResponse> {
  const { idempotency } = services;
  const key = headerValue(admitted.request.headers, KEY_HEADER);
  if (key === undefined || !idempotency) return serve(admitted);
  return serveByKey(services, admitted, { idempotency, key, serve });
}

interface Keyed<Admitted> {
  readonly idempotency: Idempotency;
  readonly key: string;
  readonly serve: Serve<Admitted>;
}

async function serveByKey<Admitted extends AdmittedRequest>(
  services: Services,
  admitted: Admitted,
  { idempotency, key, serve }: Keyed<Admitted>,
): Promise<GatewayResponse> {
  const { clock } = services;
  const use = await keyUse(services, admitted, key);
  const held = (name: string): HeldKey => new HeldKey({ idempotency, use, name, clock });
  for (let looks = 1; ; looks++) {
    const claim = await idempotency.store.claim(use, clock.now());
    switch (claim.kind) {
      case "mine":
        return answerAndKeep(held(admitted.request.id), () => serve(admitted));
      case "answered":
        return replay(idempotency, claim.answer);
      case "other-request":
        throw new GatewayError(
          "idempotency-key-reused",
          "The Idempotency-Key was used with another method, path or body.",
        );
      case "running": {
        const { job, isSilent } = claim;
        if (job && use.job) {
          const again = asFirst(admitted, job);
          return answerAndKeep(held(job.id), () => serve(again));
        }
        if (job && isSilent) throw ofAJob();
        await pause(services, admitted, Math.min(looks * JOIN_POLL_MS, MAX_JOIN_POLL_MS));
      }
    }
  }
}

const ofAJob = (): GatewayError =>
  new GatewayError(
    "idempotency-key-reused",
    "The Idempotency-Key belongs to a request for a job: ask for the job again.",
  );

async function keyUse(
  { newId }: Services,
  { request, caller, ticket, body }: AdmittedRequest,
  key: string,
): Promise<KeyUse> {
  if (key.length > MAX_KEY_LENGTH || !/^[\x20-\x7e]*[\x21-\x7e][\x20-\x7e]*$/.test(key)) {
    throw new GatewayError(
      "invalid-idempotency-key",
      `The Idempotency-Key must be 1 to ${MAX_KEY_LENGTH} printable characters.`,
    );
  }
  const hash = createHash("sha256").update(`${request.method}\n${request.target}\n`);
  if (body instanceof Uint8Array) hash.update(body);
  else if (body) for await (const chunk of body.read()) hash.update(chunk);
  const fingerprint = hash.digest("hex");
  return {
    userId: caller.userId,
    key,
    fingerprint,
    holder: newId(),
    ...(isJobAtOnce(ticket, request, body)
      ? { job: { id: request.id, receivedAt: request.receivedAt } }
      : {}),
  };
}

/** A repetition in the place of the first request for a job, so that whatever it stores is the same. */
function asFirst<Admitted extends AdmittedRequest>(
  admitted: Admitted,
  { id, receivedAt }: ClaimedJob,
): Admitted {
  const { request, ticket } = admitted;
  const { promotion } = ticket;
  return {
    ...admitted,
    isRepeated: true,
    request: { ...request, id, receivedAt },
    ...(promotion ? { ticket: { ...ticket, promotion: { ...promotion, at: receivedAt } } } : {}),
  };
}

/** Waits a little for the request that has the key, no longer than this one may wait. */
async function pause(
  { clock }: Services,
  { request, ticket }: AdmittedRequest,
  delayMs: number,
): Promise<void> {
  using deadline = createDeadline(clock, ticket.expiresAt, {
    reason: ttlExpired,
    parent: request.closed,
  });
  await delay(clock, delayMs, deadline.signal);
}

async function replay(
  { claimCheck }: Idempotency,
  { status, headers, body }: KeptAnswer,
): Promise<GatewayResponse> {
  return {
    status,
    headers: [...headers, ["idempotency-replayed", "true"]],
    body: await claimCheck.unpack(body),
  };
}

async function answerAndKeep(
  key: HeldKey,
  serve: () => Promise<GatewayResponse>,
): Promise<GatewayResponse> {
  const response = await servedOrReleased(key, serve);
  if (!isFinal(response.status)) {
    await key.release();
    return response;
  }
  // A backend's answer is not held back for the copy of it.
  const body = response.route ? streamed(response.body) : response.body;
  if (body !== undefined && !(body instanceof Uint8Array)) {
    const kept = keepWhileReading(key, response, body);
    const giveUp = async (): Promise<void> => {
      await body[Symbol.asyncIterator]().return?.();
      await key.release();
    };
    return { ...response, body: endedEarly(kept, () => void giveUp().catch(() => {})) };
  }
  await key.keep(response, body);
  return response;
}

function streamed(body: ResponseBody): Exclude<ResponseBody, Uint8Array> {
  return body instanceof Uint8Array ? onePiece(body) : body;
}

async function* onePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}

async function servedOrReleased(
  key: HeldKey,
  serve: () => Promise<GatewayResponse>,
): Promise<GatewayResponse> {
  try {
    return await serve();
  } catch (error) {
    await key.release();
    throw error;
  }
}

const isFinal = (status: number): boolean => status < 500 && status !== 429 && status !== 408;

/** Passes a stream through and keeps a copy; one that is not read to its end gives the key back. */
async function* keepWhileReading(
  key: HeldKey,
  response: GatewayResponse,
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks: Uint8Array[] = [];
  let keptBytes = 0;
  let isWhole = false;
  try {
    for await (const chunk of body) {
      keptBytes += chunk.byteLength;
      if (keptBytes <= MAX_KEPT_BYTES) chunks.push(chunk);
      yield chunk;
    }
    isWhole = true;
  } finally {
    if (isWhole && keptBytes <= MAX_KEPT_BYTES) {
      await key.keep(response, Buffer.concat(chunks));
    } else {
      await key.release();
    }
  }
}
