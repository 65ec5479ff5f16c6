import { MAX_FRAME_BYTES, SOCKET_HIGH_WATER_BYTES } from "../limits.ts";
import { Answers } from "./answers.ts";
import { corkForTick } from "./cork.ts";
import { messageLockLost } from "./errors.ts";
import type { Performative, RheaLink, RheaSession, Typed } from "./rhea.ts";
import { encodeTransfer, TRANSFER_OVERHEAD_BYTES } from "./transfer-frame.ts";

/** A message to send on a link whose credit the sender has already taken. */
export interface OutgoingDelivery {
  readonly link: RheaLink;
  readonly tag: Buffer;
  readonly payload: Buffer;
  /** Told what the client says of the delivery; absent for deliveries sent settled. */
  readonly onOutcome?: (outcome: Outcome) => void;
}

/** A client's word on a delivery; the answer must follow unless it is settled already. */
export interface Outcome {
  readonly deliveryId: number;
  readonly state: Typed | undefined;
  readonly isSettled: boolean;
}

interface Fragmented {
  readonly delivery: OutgoingDelivery;
  readonly deliveryId: number;
  sentBytes: number;
}

const MAX_UINT = 2 ** 32 - 1;

/**
 * Takes the place of rhea's record of outgoing deliveries, a ring of 2,048 that only its head can
 * free, in which a delivery without credit blocks every link. The names in snake case are those that
 * rhea calls. Scope: one AMQP session.
 */
export class OutgoingTransfers {
  next_transfer_id = 0;
  readonly window = MAX_UINT;
  readonly deliveries = { available: (): number => 1 };
  readonly #session: RheaSession;
  readonly #answers: Answers;
  readonly #unsettled = new Map<number, OutgoingDelivery>();
  readonly #writable = new Set<() => void>();
  #waiting: Fragmented[] = [];
  #nextDeliveryId = 0;
  #remoteNextId = 0;
  #remoteWindow: number;

  constructor(session: RheaSession) {
    this.#session = session;
    this.#answers = new Answers(session, false);
    this.#remoteWindow = session.remote.begin.incoming_window;
  }

  /** Whether a delivery would leave at once: the client's window and the socket have room. */
  get hasRoom(): boolean {
    const { socket } = this.#session.connection;
    if (this.#waiting.length > 0 || this.#transferWindow() <= 0) return false;
    return socket.writable && socket.writableLength < SOCKET_HIGH_WATER_BYTES;
  }

  /** Calls back when the client's window opens; returns how to stop it. */
  onRoom(callback: () => void): () => void {
    this.#writable.add(callback);
    return () => this.#writable.delete(callback);
  }

  /** Sends a delivery; returns its id. */
  send(delivery: OutgoingDelivery): number {
    const deliveryId = this.#nextDeliveryId++;
    if (delivery.onOutcome) this.#unsettled.set(deliveryId, delivery);
    const waiting = { delivery, deliveryId, sentBytes: 0 };
    if (this.#waiting.length > 0 || !this.#write(waiting)) this.#waiting.push(waiting);
    return deliveryId;
  }

  /** Forgets a delivery: a late word on it is answered "lock lost". */
  forget(deliveryId: number): void {
    this.#unsettled.delete(deliveryId);
  }

  answer(deliveryId: number, answer: Parameters<Answers["add"]>[1]): void {
    this.#answers.add(deliveryId, answer);
  }

  on_begin(): void {}

  on_flow(flow: Performative): void {
    // Absent until the client has seen the broker's begin.
    this.#remoteNextId = flow.next_incoming_id ?? 0;
    this.#remoteWindow = flow.incoming_window;
    this.#writeWaiting();
    if (this.#waiting.length > 0) return;
    for (const callback of this.#writable) callback();
  }

  on_disposition({ first, last, state, settled }: Performative): void {
    const end = Math.min(last ?? first, this.#nextDeliveryId - 1);
    for (let deliveryId = first; deliveryId <= end; deliveryId++) {
      const delivery = this.#unsettled.get(deliveryId);
      const isSettled = settled === true;
      this.#unsettled.delete(deliveryId);
      if (delivery) delivery.onOutcome?.({ deliveryId, state: state ?? undefined, isSettled });
      // Without an answer the SDK would wait a minute for it.
      else if (!isSettled) this.answer(deliveryId, messageLockLost().amqp);
    }
  }

  process(): void {
    this.#answers.flush();
  }

  #writeWaiting(): void {
    while (this.#waiting[0] && this.#write(this.#waiting[0])) this.#waiting.shift();
  }

  /** Writes as many frames of a delivery as the client's window lets; true when it is all out. */
  #write(item: Fragmented): boolean {
    const { link, tag, payload, onOutcome } = item.delivery;
    const maxPayload = this.#maxFrameBytes() - TRANSFER_OVERHEAD_BYTES - tag.length;
    while (this.#transferWindow() > 0) {
      const end = Math.min(payload.length, item.sentBytes + maxPayload);
      const hasMore = end < payload.length;
      this.#toSocket(
        encodeTransfer({
          channel: this.#session.local.channel,
          handle: link.local.handle,
          deliveryId: item.deliveryId,
          tag,
          isSettled: onOutcome === undefined,
          hasMore,
          payload: payload.subarray(item.sentBytes, end),
        }),
      );
      this.next_transfer_id = (this.next_transfer_id + 1) >>> 0;
      item.sentBytes = end;
      if (!hasMore) return true;
    }
    return false;
  }

  #toSocket(bytes: Buffer): void {
    const { socket } = this.#session.connection;
    if (!socket.writable) return;
    corkForTick(socket);
    socket.write(bytes);
  }

  #transferWindow(): number {
    const underWay = (this.next_transfer_id - this.#remoteNextId) >>> 0;
    return this.#remoteWindow - underWay;
  }

  #maxFrameBytes(): number {
    return Math.min(this.#session.connection.max_frame_size ?? MAX_FRAME_BYTES, MAX_FRAME_BYTES);
  }
}
