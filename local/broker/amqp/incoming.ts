import { SESSION_WINDOW_FRAMES } from "../limits.ts";
import { Answers } from "./answers.ts";
import type { Answer } from "./outcome.ts";
import type { Frame, Performative, RheaLink, RheaSession } from "./rhea.ts";

/** One whole delivery from a client, as the bytes that came. */
export interface Transfer {
  readonly deliveryId: number;
  readonly payload: Buffer;
  readonly format: number;
  /** The client expects no answer. */
  readonly isSettled: boolean;
  /** More bytes came than the link's limit; the payload is empty then. */
  readonly isOversized: boolean;
}

/** Who takes the deliveries of one link. */
export interface TransferHandler {
  readonly maxBytes: number;
  onTransfer(transfer: Transfer): void;
}

interface Assembly {
  readonly deliveryId: number;
  readonly format: number;
  readonly isSettled: boolean;
  readonly chunks: Buffer[];
  bytes: number;
}

/**
 * Takes the place of rhea's record of incoming deliveries: rhea decodes messages before one can
 * have their bytes, ignores aborted transfers and stalls behind an unsettled head. The names in
 * snake case are those that rhea calls. Scope: one AMQP session.
 */
export class IncomingTransfers {
  next_transfer_id: number;
  max_transfer_id: number;
  readonly window = SESSION_WINDOW_FRAMES;
  readonly #answers: Answers;
  readonly #handlers = new Map<RheaLink, TransferHandler>();
  readonly #assemblies = new Map<RheaLink, Assembly>();

  constructor(session: RheaSession) {
    this.#answers = new Answers(session, true);
    this.next_transfer_id = session.remote.begin.next_outgoing_id;
    this.max_transfer_id = this.next_transfer_id + this.window;
  }

  listen(link: RheaLink, handler: TransferHandler): void {
    this.#handlers.set(link, handler);
  }

  forget(link: RheaLink): void {
    this.#handlers.delete(link);
    this.#assemblies.delete(link);
  }

  answer(deliveryId: number, answer: Answer): void {
    this.#answers.add(deliveryId, answer);
  }

  on_begin(): void {}

  on_flow(flow: Performative): void {
    this.next_transfer_id = flow.next_outgoing_id;
  }

  // The broker's answers settle; what a client says of its own deliveries changes nothing.
  on_disposition(): void {}

  on_transfer(frame: Frame, link: RheaLink): void {
    this.next_transfer_id += 1;
    const { performative } = frame;
    const handler = this.#handlers.get(link);
    if (!handler) return;
    if (performative.aborted) {
      this.#assemblies.delete(link);
      this.#countDelivery(link);
      return;
    }
    const assembly = this.#assemblies.get(link) ?? begin(performative);
    append(assembly, frame.payload, handler.maxBytes);
    if (performative.more) this.#assemblies.set(link, assembly);
    else this.#finish(link, { assembly, handler });
  }

  process(session: RheaSession): void {
    this.#answers.flush();
    if (this.max_transfer_id - this.next_transfer_id < this.window / 2) session._write_flow();
  }

  #finish(link: RheaLink, { assembly, handler }: { assembly: Assembly; handler: TransferHandler }) {
    this.#assemblies.delete(link);
    this.#countDelivery(link);
    const { deliveryId, format, isSettled, chunks, bytes } = assembly;
    const isOversized = bytes > handler.maxBytes;
    const payload = (chunks.length === 1 && chunks[0]) || Buffer.concat(chunks);
    handler.onTransfer({ deliveryId, payload, format, isSettled, isOversized });
  }

  #countDelivery(link: RheaLink): void {
    link.credit = Math.max(0, link.credit - 1);
    link.delivery_count += 1;
  }
}

const begin = (performative: Performative): Assembly => ({
  deliveryId: performative.delivery_id ?? 0,
  format: performative.message_format ?? 0,
  isSettled: performative.settled === true,
  chunks: [],
  bytes: 0,
});

// What exceeds the limit is counted but not kept: a client cannot fill the broker's memory.
function append(assembly: Assembly, payload: Buffer | undefined, maxBytes: number): void {
  if (!payload) return;
  assembly.bytes += payload.length;
  if (assembly.bytes <= maxBytes) assembly.chunks.push(payload);
  else assembly.chunks.length = 0;
}
