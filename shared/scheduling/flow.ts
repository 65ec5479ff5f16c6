import { EntryLine } from "./entry-line.ts";
import type { FairShare } from "./fair-share.ts";
import type { HeapNode } from "./indexed-heap.ts";

/** Whose account a flow is. */
export type FlowKind = "user" | "group";

/** One user's or one group's account within a {@link FairShare}. Tags are virtual times. */
export interface Flow extends HeapNode {
  readonly kind: FlowKind;
  readonly id: string;
  /** Its name beside all others of a band, made once: it is asked for several times a request. */
  readonly key: string;
  /** A user's entries. */
  readonly line: EntryLine;
  /** A group's users; a user has none. */
  readonly members: FairShare | undefined;
  weight: number;
  waiting: number;
  running: number;
  /** How many of these came from a caller whom all instances together found over their share. */
  foundOver: number;
  /** Where its oldest entry starts; flows are served in the order of their start tags. */
  startTag: number;
  /** Where what it was charged for ends; an entry that comes later starts there, or now. */
  finishTag: number;
  /** The largest single cost since the flow was opened: what it may still owe once it is idle. */
  quantum: number;
  /** It has asked for more than its share lately: others may go before it, and it leaves slots free. */
  isOver: boolean;
  /** Arrival number of its oldest entry. */
  headNumber: number;
}

/** What tells accounts of both kinds apart. */
export const flowKey = (kind: FlowKind, id: string): string => `${kind} ${id}`;

const GROUP = flowKey("group", "");
const USER = flowKey("user", "");

/** Whose account a key names. */
export const ofFlowKey = (key: string): readonly [kind: FlowKind, id: string] =>
  key.startsWith(GROUP) ? ["group", key.slice(GROUP.length)] : ["user", key.slice(USER.length)];

/** A flow that owes nothing. */
export function openFlow(kind: FlowKind, id: string, members: FairShare | undefined): Flow {
  return {
    kind,
    id,
    key: flowKey(kind, id),
    line: new EntryLine(),
    members,
    heapIndex: -1,
    weight: 1,
    waiting: 0,
    running: 0,
    foundOver: 0,
    startTag: 0,
    finishTag: 0,
    quantum: 0,
    isOver: false,
    headNumber: 0,
  };
}
