import type { JobEngine } from "../../jobs/index.ts";
import {
  type DeadLetter,
  type RequestEnvelope,
  readRequestEnvelope,
} from "../../messaging/index.ts";
import { deadLetterSweepFailed, deadLetterWaitEnded } from "../../telemetry/index.ts";
import type { Services } from "../services.ts";
import { abandonMessage } from "../serving/run-lane-message.ts";
import { deadLetterSources, type LetterSource } from "./dead-letter-sources.ts";
import { deadLettersOf, lettersOf } from "./list-dead-letters.ts";

// A sweep looks at so many of a queue: operators are to deal with what has piled up.
const MAX_LETTERS = 2000;
const MAX_SEEN = 20_000;

/**
 * Ends what waits for messages that lie among the dead letters. A worker says so on a message's last
 * delivery; where it was killed then, or its word was lost, nobody has. Letters stay where they are.
 * Scope: per instance; what it has seen only spares it work.
 */
export class DeadLetterWatch {
  readonly #seen = new Set<string>();

  async sweep(services: Services, engine: JobEngine): Promise<void> {
    for (const source of deadLetterSources(services.lanes)) {
      if (source.kind !== "lane" || services.stopping.aborted) continue;
      try {
        await this.#sweepQueue(services, source, engine);
      } catch (error) {
        services.emit(deadLetterSweepFailed(source.name, error));
      }
    }
  }

  async #sweepQueue(services: Services, source: LetterSource, engine: JobEngine): Promise<void> {
    for await (const letter of lettersOf(deadLettersOf(services, source), source, MAX_LETTERS)) {
      const key = `${source.name}/${letter.sequenceNumber}/${letter.messageId}`;
      if (this.#seen.has(key)) continue;
      await endWait(services, { source, letter, engine });
      if (this.#seen.size >= MAX_SEEN) this.#seen.clear();
      this.#seen.add(key);
    }
  }
}

interface Ending {
  readonly source: LetterSource;
  readonly letter: DeadLetter;
  readonly engine: JobEngine;
}

async function endWait(services: Services, { source, letter, engine }: Ending): Promise<void> {
  const envelope = envelopeIn(letter);
  if (!envelope || !(await isAwaited(services, envelope))) return;
  await abandonMessage(services, envelope, engine);
  const { messageId, reason } = letter;
  services.emit(deadLetterWaitEnded({ queue: source.name, messageId, id: envelope.id, reason }));
}

function envelopeIn({ body }: DeadLetter): RequestEnvelope | undefined {
  try {
    return readRequestEnvelope(body);
  } catch {
    return undefined;
  }
}

/** Whether the job still waits for this very message, or a caller may still wait for an answer. */
async function isAwaited(
  { jobs, clock }: Services,
  { kind, id, attempt, epoch = 0, expiresAt, batch }: RequestEnvelope,
): Promise<boolean> {
  if (batch) {
    const isOver = (await jobs?.store.hasEnded(batch.jobId)) ?? true;
    return !isOver && !(await jobs?.batches.isDone(batch));
  }
  const snapshot = await jobs?.store.read(id);
  if (!snapshot) return kind === "request" && expiresAt > clock.now();
  const { outcome, turn } = snapshot;
  return !outcome && turn.attempt === attempt && turn.epoch === epoch;
}
