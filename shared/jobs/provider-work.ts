import type { FinalState } from "./job.ts";

/** A path and query at a backend as it may be stored: what is secret in it is sealed. */
export interface StoredTarget {
  readonly target: string;
  readonly sealed?: string;
}

/** How a provider tells of work that it has taken over. */
export type ProviderWorkKind =
  /** A background response: the object itself says how it stands. */
  | "response"
  /** `Operation-Location`: a document says how it stands. */
  | "operation"
  /** `Location`: 202 until the result is there. */
  | "location";

/** Work that a provider goes on with by itself. Written once an attempt; it never changes. */
export interface ProviderWork {
  readonly attempt: number;
  readonly kind: ProviderWorkKind;
  /** Which backend took it: only that one knows of it. */
  readonly hostKey: string;
  /** Where it says how the work stands. */
  readonly poll: StoredTarget;
  /** Where the result is found, if it said so at once. */
  readonly result?: StoredTarget;
  readonly takenAt: number;
  /** How long it asked to wait before it is asked for the first time. */
  readonly retryAfterMs?: number;
}

/** What came of one look at a provider's work. */
export interface PollReport {
  /** True when the outcome stands in the store. */
  readonly isFinal: boolean;
  /** True when the job was ended while the provider may go on with its work, and is to be told. */
  readonly isAbandoned?: boolean;
  /** True when the provider did not know the work, or refused to tell of it. */
  readonly isRefused?: boolean;
  /** How long it asked to wait, in milliseconds. */
  readonly retryAfterMs?: number;
}

/** Where a run stands with a provider. Plain data: it travels through `continueAsNew`. */
export interface ProviderWatch {
  readonly polls: number;
  /** How often in a row the provider has refused to tell. */
  readonly refusals: number;
  readonly nextPollAt: number;
}

/** After so many refusals in a row a provider's word is taken for its last. */
export const MAX_REFUSALS = 5;

const FIRST_POLL_MS = 1000;
const POLL_GROWTH = 1.5;
const MAX_POLL_MS = 30_000;
const LEAST_ASKED_MS = 500;
const MOST_ASKED_MS = 300_000;

/** How long to wait before a provider is asked again: what it asked for, within reason, else ever longer. */
export function pollDelayMs(polls: number, askedMs: number | undefined): number {
  if (askedMs !== undefined) return Math.min(MOST_ASKED_MS, Math.max(LEAST_ASKED_MS, askedMs));
  return Math.min(MAX_POLL_MS, Math.round(FIRST_POLL_MS * POLL_GROWTH ** polls));
}

/** What a look at a provider's work means. */
export type PollVerdict =
  /** It goes on, or cannot be seen at the moment. */
  | { readonly kind: "pending" }
  | { readonly kind: "refused" }
  /** It is over; the answer is the result unless that is found elsewhere at the same provider. */
  | { readonly kind: "ended"; readonly state: FinalState; readonly resultUrl?: string };

/** An answer about a provider's work; `fields` is empty for what is no JSON object. */
export interface WorkAnswer {
  readonly status: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Judges what a provider says of work that it has taken. */
export function judgePoll(kind: ProviderWorkKind, { status, fields }: WorkAnswer): PollVerdict {
  if (status === 408 || status === 429 || (status >= 500 && status !== 501)) {
    return { kind: "pending" };
  }
  if (status < 200 || status > 299) return { kind: "refused" };
  if (kind === "location" || (kind === "operation" && wordIn(fields) === undefined)) {
    return status === 202 ? { kind: "pending" } : { kind: "ended", state: "succeeded" };
  }
  const word = wordIn(fields);
  if (word === undefined) return { kind: "refused" };
  const state = FINAL_WORDS.get(word);
  // A word that is not known is none that ends: the job's time to live bounds the wait.
  if (state === undefined) return { kind: "pending" };
  const resultUrl = kind === "operation" && state === "succeeded" ? resultUrlIn(fields) : undefined;
  return { kind: "ended", state, ...(resultUrl === undefined ? {} : { resultUrl }) };
}

/** What a response that is cut off says is an answer, as it is for a request that was waited for. */
const FINAL_WORDS: ReadonlyMap<string, FinalState> = new Map([
  ["completed", "succeeded"],
  ["succeeded", "succeeded"],
  ["incomplete", "succeeded"],
  ["partiallysucceeded", "succeeded"],
  ["partiallycompleted", "succeeded"],
  ["failed", "failed"],
  ["error", "failed"],
  ["validationfailed", "failed"],
  ["cancelled", "cancelled"],
  ["canceled", "cancelled"],
  ["expired", "expired"],
]);

/** The status as one word: providers write `in_progress`, `InProgress` and `in progress`. */
function wordIn({ status }: WorkAnswer["fields"]): string | undefined {
  return typeof status === "string" ? status.toLowerCase().replace(/[^a-z]/g, "") : undefined;
}

const RESULT_FIELDS = new Set(["resourcelocation", "resulturl", "resultlocation"]);

function resultUrlIn(fields: WorkAnswer["fields"]): string | undefined {
  for (const [name, value] of Object.entries(fields)) {
    const isResult = RESULT_FIELDS.has(name.toLowerCase().replace(/[^a-z]/g, ""));
    if (isResult && typeof value === "string" && value !== "") return value;
  }
  return undefined;
}
