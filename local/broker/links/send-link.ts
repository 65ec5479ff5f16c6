import { BrokerError, sizeExceeded } from "../amqp/errors.ts";
import type { IncomingTransfers, Transfer, TransferHandler } from "../amqp/incoming.ts";
import { readTransfer } from "../amqp/incoming-message.ts";
import type { RheaLink } from "../amqp/rhea.ts";
import type { SendTarget } from "../entity/send-target.ts";
import { SEND_CREDIT } from "../limits.ts";
import type { BrokerStore } from "../store/broker-store.ts";
import { type BrokerLink, echoAttach } from "./broker-link.ts";

/** A link on which a client sends to a queue or topic. Scope: one link. */
export class SendLink implements BrokerLink, TransferHandler {
  readonly link: RheaLink;
  readonly maxBytes: number;
  readonly #target: SendTarget;
  readonly #store: BrokerStore;
  readonly #incoming: IncomingTransfers;
  #isOpen = true;
  #creditOwed = 0;

  constructor(options: {
    link: RheaLink;
    target: SendTarget;
    store: BrokerStore;
    incoming: IncomingTransfers;
  }) {
    this.link = options.link;
    this.#target = options.target;
    this.#store = options.store;
    this.#incoming = options.incoming;
    this.maxBytes = options.target.settings.maxMessageBytes;
    echoAttach(this.link);
    this.link.local.attach["max_message_size"] = this.maxBytes;
    this.#incoming.listen(this.link, this);
    this.link.flow(SEND_CREDIT);
  }

  onTransfer(transfer: Transfer): void {
    const refusal = this.#accept(transfer);
    this.#store.afterCommit(() => {
      if (!this.#isOpen) return;
      const { deliveryId, isSettled } = transfer;
      if (!isSettled) this.#incoming.answer(deliveryId, refusal?.amqp ?? "accepted");
      this.#topUp();
    });
  }

  close(): void {
    this.#isOpen = false;
    this.#incoming.forget(this.link);
  }

  /** Stores all messages of a transfer, or none and says why. */
  #accept({ payload, format, isOversized }: Transfer): BrokerError | undefined {
    if (isOversized) {
      return sizeExceeded(
        `The message (or batch) exceeds the limit of ${this.maxBytes} bytes of '${this.#target.path}'.`,
      );
    }
    try {
      const messages = readTransfer(payload, format);
      const refusal = this.#target.refusal(messages);
      if (!refusal) for (const message of messages) this.#target.accept(message);
      return refusal;
    } catch (error) {
      if (error instanceof BrokerError) return error;
      throw error;
    }
  }

  // Credit comes back with the answers, so what a client has unsettled is bounded.
  #topUp(): void {
    this.#creditOwed += 1;
    if (this.#creditOwed < SEND_CREDIT / 2) return;
    this.link.flow(this.#creditOwed);
    this.#creditOwed = 0;
  }
}
