import { performance } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { type Agent, request } from "undici";

export interface Polling {
  readonly url: string;
  /** One client for each. */
  readonly locations: readonly string[];
  readonly everyMs: number;
  readonly forMs: number;
  readonly dispatcher: Agent;
}

/** Each client asks for the status of its own job at a steady rate; how long each answer took. */
export async function pollJobs(polling: Polling): Promise<number[]> {
  const { url, locations, everyMs, forMs, dispatcher } = polling;
  const until = performance.now() + forMs;
  const took: number[] = [];
  const client = async (location: string): Promise<void> => {
    await pause(Math.random() * everyMs);
    while (performance.now() < until) {
      const startedAt = performance.now();
      const answer = await request(`${url}${location}`, { dispatcher });
      await answer.body.dump();
      const tookMs = performance.now() - startedAt;
      if (answer.statusCode !== 202) throw new Error(`A status was ${answer.statusCode}.`);
      took.push(tookMs);
      await pause(Math.max(0, everyMs - tookMs));
    }
  };
  await Promise.all(locations.map(client));
  return took;
}
