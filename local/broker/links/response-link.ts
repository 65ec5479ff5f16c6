import type { OutgoingTransfers } from "../amqp/outgoing.ts";
import type { Performative, RheaLink } from "../amqp/rhea.ts";
import { MAX_WAITING_RESPONSES } from "../limits.ts";
import { type BrokerLink, echoAttach } from "./broker-link.ts";

const NO_TAG = Buffer.alloc(4);

/** A link on which a client gets the responses to its requests. Scope: one link. */
export class ResponseLink implements BrokerLink {
  readonly link: RheaLink;
  readonly #outgoing: OutgoingTransfers;
  readonly #stopListening: () => void;
  #waiting: Buffer[] = [];
  #isOpen = true;

  constructor(link: RheaLink, outgoing: OutgoingTransfers) {
    this.link = link;
    this.#outgoing = outgoing;
    echoAttach(link);
    link.on_flow = ({ performative }) => this.#onFlow(performative);
    link._get_drain = () => false;
    this.#stopListening = outgoing.onRoom(() => this.#pump());
    process.nextTick(() => this.#pump());
  }

  /** Sends a response as soon as the client has room for it. */
  send(payload: Buffer): void {
    if (!this.#isOpen || this.#waiting.length >= MAX_WAITING_RESPONSES) return;
    this.#waiting.push(payload);
    this.#pump();
  }

  resume(): void {
    this.#pump();
  }

  close(): void {
    this.#isOpen = false;
    this.#waiting = [];
    this.#stopListening();
  }

  #onFlow({ delivery_count, link_credit, echo }: Performative): void {
    const credit = ((delivery_count ?? 0) + (link_credit ?? 0) - this.link.delivery_count) | 0;
    this.link.credit = Math.max(0, credit);
    if (echo) this.link.issue_flow = true;
    this.#pump();
  }

  #pump(): void {
    const { link } = this;
    const isAttached = link.state.local_open && link.state.open_requests === 0;
    while (this.#isOpen && isAttached && link.credit > 0 && this.#outgoing.hasRoom) {
      const payload = this.#waiting.shift();
      if (!payload) return;
      link.credit -= 1;
      link.delivery_count += 1;
      this.#outgoing.send({ link, tag: NO_TAG, payload });
    }
  }
}
