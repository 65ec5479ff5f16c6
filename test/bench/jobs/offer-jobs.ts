import { performance } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { type Agent, request } from "undici";

/** A job that was accepted. */
export interface AcceptedJob {
  readonly tookMs: number;
  readonly location: string;
}

/** Asks for one job; throws unless it is answered 202. */
export type Accept = () => Promise<AcceptedJob>;

const BODY = JSON.stringify({
  model: "m",
  messages: [{ role: "user", content: "x".repeat(1000) }],
});
const HEADERS = { "content-type": "application/json", S7PAsyncMode: "true" };

/** Asks a gateway for jobs of one kilobyte. */
export function accepting(url: string, dispatcher: Agent): Accept {
  return async () => {
    const startedAt = performance.now();
    const answer = await request(`${url}/hold`, {
      method: "POST",
      headers: HEADERS,
      body: BODY,
      dispatcher,
    });
    const tookMs = performance.now() - startedAt;
    await answer.body.dump();
    if (answer.statusCode !== 202) throw new Error(`A job was answered ${answer.statusCode}.`);
    return { tookMs, location: String(answer.headers["location"]) };
  };
}

/** Asks at a steady rate, however long the answers take; how long each took. */
export async function offer(
  accept: Accept,
  { perSecond, forMs }: { readonly perSecond: number; readonly forMs: number },
): Promise<number[]> {
  const startedAt = performance.now();
  const took: Promise<number>[] = [];
  for (let sent = 0; performance.now() - startedAt < forMs; ) {
    const due = Math.floor(((performance.now() - startedAt) * perSecond) / 1000);
    for (; sent < due; sent++) took.push(accept().then(({ tookMs }) => tookMs));
    await pause(1);
  }
  return Promise.all(took);
}

/** Asks for jobs as fast as they are taken, until there are enough or the time is over. */
export async function fill(
  accept: Accept,
  { jobs, parallel, withinMs }: { jobs: number; parallel: number; withinMs: number },
): Promise<string[]> {
  const until = performance.now() + withinMs;
  const locations: string[] = [];
  let left = jobs;
  const client = async (): Promise<void> => {
    while (left-- > 0 && performance.now() < until) locations.push((await accept()).location);
  };
  await Promise.all(Array.from({ length: parallel }, client));
  return locations;
}
