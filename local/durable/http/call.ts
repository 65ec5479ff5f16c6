import type { IncomingMessage } from "node:http";
import type { HubAddress } from "../binding.ts";
import type { Engine } from "../engine/engine.ts";

/** One HTTP request to the engine. */
export interface Call {
  engine: Engine;
  address: HubAddress;
  request: IncomingMessage;
  query: URLSearchParams;
  /** Path segments after the prefix and the collection, decoded. */
  segments: readonly string[];
  /** Aborts when the client leaves. */
  signal: AbortSignal;
}

/** What a call is answered with. */
export interface Reply {
  status: number;
  headers?: Record<string, string>;
  /** Sent as JSON. */
  json?: unknown;
  /** JSON text, sent as it is. */
  jsonText?: string;
  /** A sentence for a person. */
  text?: string;
}

/** Serves one kind of call. */
export type Route = (call: Call) => Reply | Promise<Reply>;

/** Thrown where a call turns out to be wrong. */
export class CallError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The reply for an instance that does not exist. */
export function noInstance(instanceId: string): Reply {
  return { status: 404, text: `No instance with ID '${instanceId}' found.` };
}
