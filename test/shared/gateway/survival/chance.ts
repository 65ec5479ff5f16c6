import { GatewayError } from "../../../../shared/core/errors.ts";

/** What goes wrong, each as its part of all calls, from 0 to 1. */
export interface Odds {
  /** A call to storage, to the bus or to the engine fails, and nothing was done. */
  readonly refused: number;
  /** It was done, and its answer is lost. */
  readonly lost: number;
  /** The instance dies with it: before it is done, or behind it. */
  readonly killed: number;
  /** A message that runs is delivered to somebody else as well, or comes again though it was done. */
  readonly doubled: number;
}

/** A span of time, in milliseconds, in which a part answers nobody. */
export interface Outage {
  readonly part: Part;
  readonly from: number;
  readonly until: number;
}

/** What can be away by itself. */
export type Part = "storage" | "bus" | "engine";

export const CALM: Odds = { refused: 0, lost: 0, killed: 0, doubled: 0 };

/** What a call fails with whose part is away. */
export const awayError = (part: Part): GatewayError =>
  new GatewayError(part === "bus" ? "messaging-unavailable" : "storage-unavailable", "Away.");

/** Nothing comes of it any more. */
export const never = (): Promise<never> => new Promise(() => {});
