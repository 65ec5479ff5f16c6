import { IncomingTransfers } from "./incoming.ts";
import { OutgoingTransfers } from "./outgoing.ts";
import type { Frame, RheaLink, RheaSession, Typed } from "./rhea.ts";
import { descriptorOf } from "./typed.ts";

/** What the broker puts in place of rhea's own records of a session's deliveries. */
export interface SessionTransfers {
  readonly incoming: IncomingTransfers;
  readonly outgoing: OutgoingTransfers;
}

const COORDINATOR = 0x30;
const coordinators = new WeakSet<RheaLink>();
const repaired = new WeakMap<RheaSession, SessionTransfers>();

/**
 * Repairs one session object of rhea as it opens. The prototypes stay as they are: an SDK in the same
 * process may use the same copy of rhea.
 */
export function repairSession(session: RheaSession): void {
  const incoming = new IncomingTransfers(session);
  const outgoing = new OutgoingTransfers(session);
  session.incoming = incoming;
  session.outgoing = outgoing;
  repaired.set(session, { incoming, outgoing });
  session.on_attach = (frame) => onAttach(session, frame);
  session.remove_link = (link) => removeLink(session, link);
}

/** The repaired records of a session. */
export function transfersOf(session: RheaSession): SessionTransfers {
  const transfers = repaired.get(session);
  if (!transfers) throw new Error("The session was not repaired when it opened.");
  return transfers;
}

/** Whether the client attached to the transaction coordinator. */
export const isCoordinator = (link: RheaLink): boolean => coordinators.has(link);

// rhea keys links by name alone, but a sender and a receiver may share one.
function onAttach(session: RheaSession, frame: Frame): void {
  const { performative } = frame;
  const { name, role, handle } = performative;
  const existing = session.links[keyOf(name, role)];
  const isAttached = existing?.state.remote_open === true;
  const link =
    (isAttached ? existing : undefined) ??
    (role ? session.create_sender(name) : session.create_receiver(name));
  if (session.links[name] === link) delete session.links[name];
  session.links[keyOf(name, role)] = link;
  session.remote.handles[handle] = link;
  if (descriptorOf(performative.target as Typed | undefined) === COORDINATOR) {
    coordinators.add(link);
    performative.target = null;
  }
  link.on_attach(frame);
  link.remote.attach = performative;
  // rhea counts from zero, whatever the client says that it counts from.
  if (link.is_receiver()) link.delivery_count = performative.initial_delivery_count ?? 0;
}

// A client may have given name or handle to a new link before the old one is removed.
function removeLink(session: RheaSession, link: RheaLink): void {
  const key = keyOf(link.name, !link.is_receiver());
  const remoteHandle = link.remote.attach?.handle ?? -1;
  if (session.remote.handles[remoteHandle] === link) delete session.remote.handles[remoteHandle];
  delete session.local.handles[link.local.handle];
  if (session.links[key] === link) delete session.links[key];
}

const keyOf = (name: string, role: boolean): string => `${role ? "to" : "from"} client: ${name}`;
