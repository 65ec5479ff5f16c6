import { setTimeout as pause } from "node:timers/promises";
import type { JobView } from "../../shared/api/index.ts";
import type { SentJob } from "./send-job.ts";

/** How a job ended, as its owner sees it. */
export interface SeenEnd {
  readonly view: JobView;
  readonly resultStatus: number;
  readonly resultBody: Buffer;
}

const LOOK_AGAIN_MS = 1000;
const READERS = 16;

/** Looks at each job until it has ended, and reads its result; undefined for one that never does. */
export async function readEnds(
  url: string,
  clients: readonly SentJob[],
  signal: AbortSignal,
): Promise<(SeenEnd | undefined)[]> {
  const ends: (SeenEnd | undefined)[] = [];
  let next = 0;
  const reader = async (): Promise<void> => {
    for (let number = next++; number < clients.length; number = next++) {
      const client = clients[number];
      if (client) ends[number] = await readEnd(url, client, signal);
    }
  };
  await Promise.all(Array.from({ length: READERS }, reader));
  return ends;
}

async function readEnd(
  url: string,
  { locations: [location], plan }: SentJob,
  signal: AbortSignal,
): Promise<SeenEnd | undefined> {
  if (location === undefined) return undefined;
  const headers = { "x-userid": plan.user };
  while (!signal.aborted) {
    const end = await look(`${url}${location}`, headers, signal).catch(() => undefined);
    if (end) return end;
    await pause(LOOK_AGAIN_MS, undefined, { signal }).catch(() => {});
  }
  return undefined;
}

async function look(
  place: string,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<SeenEnd | undefined> {
  const status = await fetch(place, { headers, signal });
  const text = await status.text();
  if (status.status !== 200) return undefined;
  const view = JSON.parse(text) as JobView;
  const result = await fetch(`${place}/result`, { headers, signal });
  const resultBody = Buffer.from(await result.arrayBuffer());
  return { view, resultStatus: result.status, resultBody };
}

/** The ids of all jobs that a user has. */
export async function listJobs(url: string, user: string): Promise<string[]> {
  const ids: string[] = [];
  let continuation: string | undefined;
  do {
    const query = new URLSearchParams({ limit: "100", ...(continuation ? { continuation } : {}) });
    const response = await fetch(`${url}/jobs?${query}`, { headers: { "x-userid": user } });
    const page = (await response.json()) as { jobs: JobView[]; continuation?: string };
    ids.push(...page.jobs.map(({ id }) => id));
    continuation = page.continuation;
  } while (continuation !== undefined);
  return ids;
}
