import type { Clock } from "../../../shared/core/clock.ts";
import { isDeadLetterKey, isTransferKey, parseAddress } from "../amqp/address.ts";
import { BrokerError, entityNotFound, notAllowed, notEmulated } from "../amqp/errors.ts";
import type { RheaLink } from "../amqp/rhea.ts";
import { isCoordinator, transfersOf } from "../amqp/session-repairs.ts";
import type { MessageQueue } from "../entity/message-queue.ts";
import { respond, respondToToken } from "../management/respond.ts";
import type { Entity, Namespace } from "../namespace.ts";
import type { BrokerStore } from "../store/broker-store.ts";
import { type BrokerLink, echoAttach, refuseLink } from "./broker-link.ts";
import type { ClientLinks } from "./client-links.ts";
import { ReceiveLink } from "./receive-link.ts";
import { RequestLink } from "./request-link.ts";
import { ResponseLink } from "./response-link.ts";
import { SendLink } from "./send-link.ts";
import { attachNamedSession, attachNextSession, SESSION_FILTER } from "./session-attach.ts";

const TOKENS = "$cbs";

/** What a link may reach. */
export interface AttachContext {
  readonly namespace: Namespace;
  readonly store: BrokerStore;
  readonly clock: Clock;
  readonly links: ClientLinks;
}

/** Answers a client's attach, whichever way messages flow, or refuses it by name. */
export function attachLink(link: RheaLink, context: AttachContext): void {
  try {
    const opened = link.is_receiver() ? fromClient(link, context) : toClient(link, context);
    context.links.add(opened);
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    refuseLink(link, error);
  }
}

function fromClient(link: RheaLink, context: AttachContext): BrokerLink {
  if (isCoordinator(link)) throw notEmulated("transactions");
  const address = link.target?.address ?? "";
  const { store, links, namespace, clock } = context;
  const { incoming } = transfersOf(link.session);
  const findResponseLink = (replyTo: string) => links.findResponseLink(replyTo, link.session);
  const requests = { link, store, incoming, findResponseLink };
  if (address === TOKENS) return new RequestLink({ ...requests, respond: respondToToken });
  const { isManagement } = parseAddress(address);
  const entity = entityAt(namespace, address);
  if (isManagement) {
    return new RequestLink({
      ...requests,
      respond: (request) => respond(request, { entity, clock }),
    });
  }
  if (entity.kind === "topic") return new SendLink({ link, target: entity.topic, store, incoming });
  if (entity.kind === "queue") return new SendLink({ link, target: entity.queue, store, incoming });
  throw notAllowed(`Messages cannot be sent to '${entity.queue.path}'.`);
}

function toClient(link: RheaLink, context: AttachContext): BrokerLink {
  const address = link.source?.address ?? "";
  const { outgoing } = transfersOf(link.session);
  if (address === TOKENS) return new ResponseLink(link, outgoing);
  const entity = entityAt(context.namespace, address);
  if (parseAddress(address).isManagement) return new ResponseLink(link, outgoing);
  if (entity.kind === "topic") {
    throw notAllowed(
      `'${entity.topic.path}' is a topic: messages are received from subscriptions.`,
    );
  }
  return receiveFrom(link, entity.queue, context);
}

function receiveFrom(link: RheaLink, queue: MessageQueue, context: AttachContext): BrokerLink {
  const { store, clock } = context;
  const filter = link.source?.filter ?? {};
  const wantsSession = Object.hasOwn(filter, SESSION_FILTER);
  if (wantsSession !== (queue.sessions !== undefined)) throw sessionMismatch(queue);
  echoAttach(link);
  const { outgoing } = transfersOf(link.session);
  const receive = new ReceiveLink({ link, queue, store, outgoing });
  const { sessions } = queue;
  if (!sessions) {
    receive.start();
    return receive;
  }
  // A refused session is told by an answer without source.
  link.local.attach["source"] = undefined;
  const sessionId = filter[SESSION_FILTER];
  if (typeof sessionId !== "string") return attachNextSession({ receive, sessions, clock });
  return attachNamedSession(sessionId, { receive, sessions, clock });
}

const sessionMismatch = (queue: MessageQueue): BrokerError =>
  notAllowed(
    queue.sessions
      ? `'${queue.path}' requires sessions: it is not possible to create a receiver without one.`
      : `'${queue.path}' has no sessions: it is not possible to create a session receiver.`,
  );

function entityAt(namespace: Namespace, address: string): Entity {
  const { key, path } = parseAddress(address);
  if (isTransferKey(key) && isDeadLetterKey(key)) {
    throw notEmulated(`transfer dead-letter queues ('${path}')`);
  }
  const entity = namespace.find(key);
  if (!entity) throw entityNotFound(path);
  return entity;
}
