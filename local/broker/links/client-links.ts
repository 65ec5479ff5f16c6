import type { RheaLink, RheaSession } from "../amqp/rhea.ts";
import type { BrokerLink } from "./broker-link.ts";
import { ResponseLink } from "./response-link.ts";

/** The links of one client connection. Scope: one connection. */
export class ClientLinks {
  readonly #links = new Map<RheaLink, BrokerLink>();

  add(link: BrokerLink): void {
    this.#links.set(link.link, link);
  }

  /** The client's socket has room again. */
  resume(): void {
    for (const link of this.#links.values()) link.resume?.();
  }

  /** The client has detached a link. */
  close(link: RheaLink): void {
    this.#links.get(link)?.close();
    this.#links.delete(link);
  }

  /** The client has ended a session, and with it its links. */
  closeSession(session: RheaSession): void {
    for (const link of [...this.#links.keys()]) {
      if (link.session === session) this.close(link);
    }
  }

  /** The connection is gone. */
  closeAll(): void {
    for (const link of [...this.#links.keys()]) this.close(link);
  }

  /**
   * Where responses to `replyTo` go, asked on `session`. It is the response link's target address but,
   * for `$cbs` requests of the JavaScript SDK, the link's name. That SDK may open two pairs of `$cbs`
   * links of one name while it reconnects; each pair has a session of its own and knows its own
   * requests only, so an answer on the other would leave the request, and all receivers behind it,
   * waiting for a minute.
   */
  findResponseLink(replyTo: string, session: RheaSession): ResponseLink | undefined {
    let elsewhere: ResponseLink | undefined;
    for (const link of this.#links.values()) {
      if (!(link instanceof ResponseLink)) continue;
      if (link.link.target?.address !== replyTo && link.link.name !== replyTo) continue;
      if (link.link.session === session) return link;
      elsewhere ??= link;
    }
    return elsewhere;
  }
}
