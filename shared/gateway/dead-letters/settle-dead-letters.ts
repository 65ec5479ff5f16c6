import { parseDeadLetterBulk } from "../../api/index.ts";
import { GatewayError } from "../../core/errors.ts";
import { type GatewayResponse, jsonResponse } from "../../core/http.ts";
import { type DeadLetter, type Found, readRequestEnvelope } from "../../messaging/index.ts";
import { deadLetterDealtWith } from "../../telemetry/index.ts";
import { requireOperator } from "../operators/require-operator.ts";
import type { Services } from "../services.ts";
import { deadLetterSource, type LetterSource } from "./dead-letter-sources.ts";
import { type DeadLettersQuery, deadLettersOf } from "./list-dead-letters.ts";
import { redriveLetter } from "./redrive-letter.ts";

/** What an operator does with dead letters. */
export type LetterAction = "redrive" | "discard";

/** Which letters of which entity: one, or the first ones. */
export interface LettersRef extends DeadLettersQuery {
  readonly action: LetterAction;
  readonly queue: string;
  /** Absent for the first ones. */
  readonly sequenceNumber: string | undefined;
}

/** Sends dead letters again, or discards them; for operators. */
export async function settleDeadLetters(
  services: Services,
  ref: LettersRef,
): Promise<GatewayResponse> {
  await requireOperator(services, ref.headers);
  const source = deadLetterSource(services.lanes, ref.queue);
  const { sequenceNumber } = ref;
  return sequenceNumber === undefined
    ? settleFirst(services, source, ref)
    : settleOne(services, source, { action: ref.action, sequenceNumber });
}

async function settleOne(
  services: Services,
  source: LetterSource,
  { action, sequenceNumber }: { action: LetterAction; sequenceNumber: string },
): Promise<GatewayResponse> {
  if (!/^\d{1,18}$/.test(sequenceNumber)) throw failure("missing");
  const letters = deadLettersOf(services, source);
  const found = await letters.dealWith(source, sequenceNumber, async (letter) => {
    await dealWith(services, source, { action, letter });
    return true;
  });
  if (found !== "gone") throw failure(found);
  return jsonResponse(200, { queue: source.name, sequenceNumber, action });
}

async function settleFirst(
  services: Services,
  source: LetterSource,
  { action, target }: LettersRef,
): Promise<GatewayResponse> {
  const bulk = parseDeadLetterBulk(new URL(target, "http://gateway").searchParams);
  if (!bulk.ok) throw new GatewayError("bad-request", bulk.detail);
  const counts = await deadLettersOf(services, source).dealWithFirst(
    source,
    bulk.value.limit,
    async (letter) => {
      try {
        await dealWith(services, source, { action, letter });
        return true;
      } catch (error) {
        if (error instanceof GatewayError && error.code === "redrive-refused") return false;
        throw error;
      }
    },
  );
  return jsonResponse(200, { queue: source.name, action, ...counts });
}

async function dealWith(
  services: Services,
  source: LetterSource,
  { action, letter }: { action: LetterAction; letter: DeadLetter },
): Promise<void> {
  if (action === "redrive") await redriveLetter(services, source, letter);
  else await forgetBody(services, source, letter);
  const { messageId, sequenceNumber } = letter;
  services.emit(deadLetterDealtWith({ queue: source.name, action, messageId, sequenceNumber }));
}

/** What a discarded request left beside its message; a job's is kept for as long as the job is. */
async function forgetBody(
  { waitingRoom }: Services,
  { kind }: LetterSource,
  { body }: DeadLetter,
): Promise<void> {
  if (kind !== "lane") return;
  try {
    const envelope = readRequestEnvelope(body);
    if (envelope.kind === "request" && !envelope.promotion) {
      await waitingRoom?.claimCheck.discard(envelope.body);
    }
  } catch {
    // Nothing is known to be left of what cannot be read.
  }
}

function failure(found: Exclude<Found, "gone">): GatewayError {
  if (found === "missing") {
    return new GatewayError("dead-letter-not-found", "There is no such dead letter.");
  }
  const detail =
    found === "beyond"
      ? "Too many dead letters lie before it: deal with the first ones first."
      : "Somebody else deals with it.";
  return new GatewayError("dead-letter-locked", detail, { retryAfterMs: 60_000 });
}
