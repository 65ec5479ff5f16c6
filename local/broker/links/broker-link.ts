import type { RheaLink } from "../amqp/rhea.ts";

/** The broker's side of a link. */
export interface BrokerLink {
  readonly link: RheaLink;
  /** The client's socket has taken what it held back; only links that send care. */
  resume?(): void;
  /** The client has gone or was turned away: nothing more is sent or taken. */
  close(): void;
}

/** Refuses a link by name: AMQP wants the attach answered before the detach with the reason. */
export function refuseLink(
  link: RheaLink,
  error: { amqp: { condition: string; description: string } },
) {
  link.open();
  link.close(error.amqp);
}

/** Answers an attach with what the client asked for. */
export function echoAttach(link: RheaLink): void {
  const { attach } = link.local;
  attach["source"] = link.source ?? undefined;
  attach["target"] = link.target ?? undefined;
  if (link.snd_settle_mode !== undefined) attach["snd_settle_mode"] = link.snd_settle_mode;
  if (link.rcv_settle_mode !== undefined) attach["rcv_settle_mode"] = link.rcv_settle_mode;
}
