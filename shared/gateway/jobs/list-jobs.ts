import {
  type JobList,
  type JobListQuery,
  type JobView,
  parseJobListQuery,
} from "../../api/index.ts";
import { GatewayError } from "../../core/errors.ts";
import type { HeaderList } from "../../core/headers.ts";
import { type GatewayResponse, jsonResponse } from "../../core/http.ts";
import { type JobListing, type JobStore, stateOf } from "../../jobs/index.ts";
import { recognise } from "../entry/recognise.ts";
import { requireOperator } from "../operators/require-operator.ts";
import type { Services } from "../services.ts";
import { jobView } from "./job-view.ts";

// However rare the states that are asked for, one call looks no further; the next page goes on.
const MAX_LOOKED_AT = 500;

/** What is asked of a caller's jobs. */
export interface JobsQuery {
  readonly headers: HeaderList;
  readonly target: string;
}

/** The caller's jobs, newest first. */
export async function listJobs(
  services: Services,
  { headers, target }: JobsQuery,
): Promise<GatewayResponse> {
  const { jobs } = services;
  if (!jobs) throw new GatewayError("async-unavailable", "This app serves no jobs.");
  const [, search = ""] = target.split("?", 2);
  const query = parseJobListQuery(new URLSearchParams(search));
  if (!query.ok) throw new GatewayError("bad-request", query.detail);
  const owner = await ownerAsked(services, { headers, target }, query.value);
  return jsonResponse(200, await pageOf({ services, store: jobs.store }, owner, query.value));
}

/** The caller, unless an operator asks for somebody else's. */
async function ownerAsked(
  services: Services,
  asked: JobsQuery,
  { owner }: JobListQuery,
): Promise<string> {
  if (owner === undefined) return (await recognise(services, asked)).caller.userId;
  await requireOperator(services, asked.headers);
  return owner;
}

interface Shelf {
  readonly services: Services;
  readonly store: JobStore;
}

async function pageOf(shelf: Shelf, owner: string, query: JobListQuery): Promise<JobList> {
  const { createdAfter, createdBefore, limit } = query;
  const views: JobView[] = [];
  let behind = query.continuation && fromContinuation(query.continuation);
  for (let lookedAt = 0; lookedAt < MAX_LOOKED_AT; ) {
    const range = { createdAfter, createdBefore, behind, atMost: limit };
    const listings = await shelf.store.list(owner, range);
    const found = await Promise.all(listings.map((listing) => look(shelf, listing, query)));
    for (const [index, view] of found.entries()) {
      if (view) views.push(view);
      behind = listings[index]?.place;
      if (views.length === limit) return { jobs: views, continuation: toContinuation(behind) };
    }
    if (listings.length < limit) return { jobs: views };
    lookedAt += listings.length;
  }
  return { jobs: views, continuation: toContinuation(behind) };
}

/** The job of a listing, if it is asked for. */
async function look(
  { services, store }: Shelf,
  { jobId, state }: JobListing,
  { states }: JobListQuery,
): Promise<JobView | undefined> {
  if (state && states && !states.has(state)) return undefined;
  const snapshot = await store.read(jobId);
  if (!snapshot) return undefined;
  const { job, outcome } = snapshot;
  if (outcome && !state) await store.noteListed(job, outcome.state).catch(() => {});
  return states && !states.has(stateOf(snapshot)) ? undefined : jobView(services, snapshot);
}

const toContinuation = (place = ""): string => Buffer.from(place).toString("base64url");

function fromContinuation(text: string): string {
  const place = Buffer.from(text, "base64url").toString();
  if (/^\d{13}-[\x21-\x7e]+$/.test(place)) return place;
  throw new GatewayError("bad-request", "The continuation cannot be read.");
}
