import { randomUUID } from "node:crypto";
import { encodeDelivery } from "../amqp/delivery-bytes.ts";
import { BrokerError } from "../amqp/errors.ts";
import { tokenToTag } from "../amqp/lock-token.ts";
import type { Outcome, OutgoingTransfers } from "../amqp/outgoing.ts";
import type { Performative, RheaLink } from "../amqp/rhea.ts";
import type { Delivery, SessionConsumer } from "../entity/consumer.ts";
import type { MessageLock } from "../entity/locks.ts";
import type { MessageQueue } from "../entity/message-queue.ts";
import type { SessionLock } from "../entity/session-lock.ts";
import type { BrokerStore } from "../store/broker-store.ts";
import type { BrokerLink } from "./broker-link.ts";
import { readDisposition } from "./read-disposition.ts";

const SETTLED_BY_SENDER = 1;

/**
 * A link on which a client receives. It keeps the link's credit itself: rhea lowers it only when
 * frames are written, too late to know how many messages may be locked. Scope: one link.
 */
export class ReceiveLink implements BrokerLink, SessionConsumer {
  readonly link: RheaLink;
  readonly settleMode: "peekLock" | "receiveAndDelete";
  readonly #queue: MessageQueue;
  readonly #store: BrokerStore;
  readonly #outgoing: OutgoingTransfers;
  readonly #stopListening: () => void;
  readonly #unsettled = new Map<number, MessageLock>();
  #session: SessionLock | undefined;
  #isOpen = true;
  #isDraining = false;
  #answersDrain = false;
  /** Credit taken for messages whose removal is not committed yet. */
  #reserved = 0;

  constructor(options: {
    link: RheaLink;
    queue: MessageQueue;
    store: BrokerStore;
    outgoing: OutgoingTransfers;
  }) {
    this.link = options.link;
    this.#queue = options.queue;
    this.#store = options.store;
    this.#outgoing = options.outgoing;
    const isPreSettled = this.link.snd_settle_mode === SETTLED_BY_SENDER;
    this.settleMode = isPreSettled ? "receiveAndDelete" : "peekLock";
    this.link.on_flow = ({ performative }) => this.#onFlow(performative);
    this.link._get_drain = () => this.#takeDrainAnswer();
    this.#stopListening = this.#outgoing.onRoom(() => this.#pump());
  }

  /** Starts to take messages: of one session, or of a queue without sessions. */
  start(session?: SessionLock): void {
    this.#session = session;
    if (!session) this.#queue.addConsumer(this);
    // The attach answer is written on the next tick; a transfer before it would break the link.
    process.nextTick(() => this.#pump());
  }

  takeCredit(): boolean {
    const { state } = this.link;
    const isAttached = state.local_open && state.open_requests === 0;
    if (!isAttached || this.link.credit <= 0 || !this.#outgoing.hasRoom) return false;
    this.link.credit -= 1;
    this.link.delivery_count += 1;
    this.#reserved += 1;
    return true;
  }

  deliver({ content, broker, lock }: Delivery): void {
    this.#reserved -= 1;
    if (this.#isOpen) {
      const payload = encodeDelivery(content, broker);
      if (lock) this.#sendLocked(lock, payload);
      else this.#outgoing.send({ link: this.link, tag: tokenToTag(randomUUID()), payload });
    }
    this.#answerDrain();
  }

  sessionLost(reason: BrokerError): void {
    this.#session = undefined;
    this.close();
    this.link.close(reason.amqp);
  }

  resume(): void {
    this.#pump();
  }

  /** Peek-locks outlive the link, until they expire; a session is free at once. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#stopListening();
    this.#queue.removeConsumer(this);
    for (const [deliveryId, lock] of this.#unsettled) {
      lock.onEnd = undefined;
      this.#outgoing.forget(deliveryId);
    }
    this.#unsettled.clear();
    if (this.#session) this.#queue.sessions?.release(this.#session);
    this.#session = undefined;
    this.#queue.pump();
  }

  #sendLocked(lock: MessageLock, payload: Buffer): void {
    const tag = tokenToTag(lock.token);
    const onOutcome = (outcome: Outcome): void => this.#onOutcome(lock, outcome);
    const deliveryId = this.#outgoing.send({ link: this.link, tag, payload, onOutcome });
    this.#unsettled.set(deliveryId, lock);
    lock.onEnd = () => {
      this.#unsettled.delete(deliveryId);
      this.#outgoing.forget(deliveryId);
    };
  }

  #onOutcome(lock: MessageLock, { deliveryId, state, isSettled }: Outcome): void {
    this.#unsettled.delete(deliveryId);
    const refusal = this.#settle(lock, state);
    if (isSettled) return;
    this.#store.afterCommit(() => this.#outgoing.answer(deliveryId, refusal?.amqp ?? "accepted"));
  }

  #settle(lock: MessageLock, state: Outcome["state"]): BrokerError | undefined {
    try {
      this.#queue.settlement.settle(lock, readDisposition(state));
      return undefined;
    } catch (error) {
      if (error instanceof BrokerError) return error;
      throw error;
    }
  }

  #onFlow(flow: Performative): void {
    const { delivery_count = 0, link_credit = 0, drain, echo } = flow;
    // Delivery counts are serial numbers of 32 bits.
    const credit = ((delivery_count ?? 0) + (link_credit ?? 0) - this.link.delivery_count) | 0;
    this.link.credit = Math.max(0, credit);
    this.#isDraining = drain === true;
    if (echo) this.link.issue_flow = true;
    this.#pump();
    this.#answerDrain();
  }

  #pump(): void {
    if (!this.#isOpen) return;
    if (this.#session) this.#queue.sessions?.pumpHeld(this.#session);
    this.#queue.pump();
  }

  /** A drain is answered also when no credit is left, else the client waits in vain. */
  #answerDrain(): void {
    if (!this.#isDraining || this.#reserved > 0 || !this.#isOpen) return;
    this.#isDraining = false;
    this.#answersDrain = true;
    this.link.delivery_count += this.link.credit;
    this.link.credit = 0;
    this.link.issue_flow = true;
    this.link.connection._register();
  }

  #takeDrainAnswer(): boolean {
    const answers = this.#answersDrain;
    this.#answersDrain = false;
    return answers;
  }
}
