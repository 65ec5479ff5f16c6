import type { Promotion, Ticket } from "../../admission/index.ts";
import type { Settings } from "../../config/index.ts";
import type { GatewayRequest, RequestBody } from "../../core/http.ts";
import { type Caller, openRequest, type Profile, sealRequest } from "../../identity/index.ts";
import type { NotifyTargets } from "../../jobs/index.ts";
import type { Reservation } from "../../limits/index.ts";
import type { ClaimCheck, MessageBody, RequestEnvelope } from "../../messaging/index.ts";
import type { AnswerSlot } from "../calls/answer-watch.ts";
import type { OutgoingRequest } from "../calls/call-backends.ts";
import { unpackRequestBody } from "../read-request-body.ts";

/** An admitted request with its whole body: all that serving it needs, whichever way. */
export interface AdmittedRequest {
  readonly request: GatewayRequest;
  readonly caller: Caller;
  readonly profile?: Profile | undefined;
  readonly ticket: Ticket;
  readonly body: RequestBody | undefined;
  /** The model that its body names, where that was looked for already. */
  readonly askedModel?: string | undefined;
  /** Who is told of the request's job, should it become one. */
  readonly notify?: NotifyTargets;
  /** True for a repetition of a request that may have become a job. */
  readonly isRepeated?: boolean;
  /** Whether the caller asked how the request was decided, and may know. */
  readonly showsReceipt?: boolean;
  /** Whether the caller was over their fair share when the request came. */
  readonly isOver?: boolean;
  /** What the request claims of its caller's limits; absent where none apply. */
  readonly reservation?: Reservation | undefined;
  /** Where the answer's watch is left, for answers that come from this process. */
  readonly usage?: AnswerSlot | undefined;
}

/** What travels with the request besides itself. */
export interface EnvelopeFacts {
  readonly kind: RequestEnvelope["kind"];
  readonly body: MessageBody | undefined;
  readonly maxAttempts: number;
  readonly replySession?: string;
  readonly promotion?: Promotion | undefined;
}

/** Writes a request so that another process can run it. Credentials travel sealed or not at all. */
export function toEnvelope(
  { request, caller, profile, ticket, showsReceipt, isOver }: AdmittedRequest,
  { kind, body, maxAttempts, replySession, promotion }: EnvelopeFacts,
  settings: Settings,
): RequestEnvelope {
  const { target, headers, sealed } = sealRequest(request, settings.credentialKey, request.id);
  return {
    kind,
    id: request.id,
    userId: caller.userId,
    ...(caller.groupId === undefined ? {} : { groupId: caller.groupId }),
    ...(profile ? { profileId: profile.id } : {}),
    priority: ticket.priority,
    ...(isOver ? { isOver } : {}),
    method: request.method,
    target,
    headers: headers.map(([name, value]) => [name, value]),
    ...(sealed === undefined ? {} : { sealedHeaders: sealed }),
    ...(body === undefined ? {} : { body }),
    receivedAt: request.receivedAt,
    expiresAt: ticket.expiresAt,
    attemptTimeoutMs: ticket.attemptTimeoutMs,
    attempt: 1,
    maxAttempts,
    ...(replySession === undefined ? {} : { replySession }),
    ...(promotion ? { promotion: { at: promotion.at, expiresAt: promotion.expiresAt } } : {}),
    ...(showsReceipt ? { showsReceipt } : {}),
  };
}

/** Reads a request back, body and credentials included; whoever asked closes the body. */
export async function fromEnvelope(
  envelope: RequestEnvelope,
  claimCheck: ClaimCheck,
  settings: Settings,
): Promise<OutgoingRequest> {
  const { id, method, target, headers, sealedHeaders, attemptTimeoutMs, userId, groupId } =
    envelope;
  const { priority, receivedAt, expiresAt, showsReceipt = false } = envelope;
  // The lines of a batch share what was sealed for it.
  const sealedFor = envelope.batch?.jobId ?? id;
  const stored = sealedHeaders === undefined ? {} : { sealed: sealedHeaders };
  const opened = openRequest({ target, headers, ...stored }, settings.credentialKey, sealedFor);
  return {
    id,
    method,
    ...opened,
    body: await unpackRequestBody(claimCheck, envelope.body, opened.headers),
    caller: { userId, groupId },
    // Nobody reads it as it comes, so nothing is lost by trying a broken one elsewhere.
    whole: true,
    attemptTimeoutMs,
    priority,
    receivedAt,
    expiresAt,
    showsReceipt,
  };
}
