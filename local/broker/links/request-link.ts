import { BrokerError } from "../amqp/errors.ts";
import type { IncomingTransfers, Transfer, TransferHandler } from "../amqp/incoming.ts";
import type { RheaLink } from "../amqp/rhea.ts";
import { kilobytes, SEND_CREDIT } from "../limits.ts";
import { type Request, readRequest } from "../management/request.ts";
import type { BrokerStore } from "../store/broker-store.ts";
import { type BrokerLink, echoAttach } from "./broker-link.ts";
import type { ResponseLink } from "./response-link.ts";

// A request may carry several messages to schedule.
const MAX_REQUEST_BYTES = kilobytes(4_096);

/** A link on which a client makes requests of `$cbs` or an entity's `$management`. Scope: one link. */
export class RequestLink implements BrokerLink, TransferHandler {
  readonly link: RheaLink;
  readonly maxBytes = MAX_REQUEST_BYTES;
  readonly #store: BrokerStore;
  readonly #incoming: IncomingTransfers;
  readonly #respond: (request: Request) => Buffer;
  readonly #findResponseLink: (replyTo: string) => ResponseLink | undefined;

  constructor(options: {
    link: RheaLink;
    store: BrokerStore;
    incoming: IncomingTransfers;
    respond: (request: Request) => Buffer;
    findResponseLink: (replyTo: string) => ResponseLink | undefined;
  }) {
    this.link = options.link;
    this.#store = options.store;
    this.#incoming = options.incoming;
    this.#respond = options.respond;
    this.#findResponseLink = options.findResponseLink;
    echoAttach(this.link);
    this.#incoming.listen(this.link, this);
    this.link.flow(SEND_CREDIT);
  }

  onTransfer({ deliveryId, payload, isSettled }: Transfer): void {
    this.link.flow(1);
    try {
      const request = readRequest(payload);
      const response = this.#respond(request);
      if (!isSettled) this.#incoming.answer(deliveryId, "accepted");
      this.#store.afterCommit(() => this.#findResponseLink(request.replyTo)?.send(response));
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      if (!isSettled) this.#incoming.answer(deliveryId, error.amqp);
    }
  }

  close(): void {
    this.#incoming.forget(this.link);
  }
}
