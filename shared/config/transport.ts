import * as z from "zod";
import { midstream } from "./hosts.ts";
import { flag, headerNames, integer } from "./values.ts";

const MAX_INT32 = 2_147_483_647;
const MAX_WHOLE_BYTES = 1_073_741_824;

/** Settings of how backends are called. Time limits are milliseconds. */
export const transportShape = {
  GATEWAY_BACKENDS_CONNECT_TIMEOUT_MS: integer(1, MAX_INT32).default(10_000),
  GATEWAY_BACKENDS_IDLE_TIMEOUT_MS: integer(1, MAX_INT32).default(300_000),
  GATEWAY_BACKENDS_TOTAL_TIMEOUT_MS: integer(1, MAX_INT32).default(3_600_000),
  GATEWAY_BACKENDS_WHOLE_BYTES: integer(0, MAX_WHOLE_BYTES).default(4_194_304),
  GATEWAY_BACKENDS_MIDSTREAM: midstream.default("error"),
  GATEWAY_BACKENDS_HTTP2: flag.default(false),
  DnsRefreshTimeout: integer(1000, MAX_INT32).default(120_000),
  StripRequestHeaders: headerNames.default([]),
  StripResponseHeaders: headerNames.default([]),
};

const transportSchema = z.object(transportShape);

/** How backends are called. */
export interface TransportSettings {
  readonly connectTimeoutMs: number;
  /** How long an answer that has begun may go without a byte. */
  readonly idleTimeoutMs: number;
  /** How long a call may take from its beginning to its last byte. */
  readonly totalTimeoutMs: number;
  /** Up to this size a direct answer in JSON is complete before any of it is delivered. */
  readonly wholeBytes: number;
  readonly allowHttp2: boolean;
  readonly dnsRefreshMs: number;
  /** Lower-cased names of headers that do not go on to backends. */
  readonly stripRequestHeaders: readonly string[];
  /** Lower-cased names of headers that do not go on to clients. */
  readonly stripResponseHeaders: readonly string[];
}

/** The transport's part of the settings. */
export function toTransport(raw: z.infer<typeof transportSchema>): TransportSettings {
  return Object.freeze({
    connectTimeoutMs: raw.GATEWAY_BACKENDS_CONNECT_TIMEOUT_MS,
    idleTimeoutMs: raw.GATEWAY_BACKENDS_IDLE_TIMEOUT_MS,
    totalTimeoutMs: raw.GATEWAY_BACKENDS_TOTAL_TIMEOUT_MS,
    wholeBytes: raw.GATEWAY_BACKENDS_WHOLE_BYTES,
    allowHttp2: raw.GATEWAY_BACKENDS_HTTP2,
    dnsRefreshMs: raw.DnsRefreshTimeout,
    stripRequestHeaders: lowerCased(raw.StripRequestHeaders),
    stripResponseHeaders: lowerCased(raw.StripResponseHeaders),
  });
}

const lowerCased = (names: readonly string[]): readonly string[] =>
  names.map((name) => name.toLowerCase());
