import { until } from "./until.ts";

/** The part of a job's view that tests read. */
export interface JobView {
  id: string;
  state: string;
  attempts: number;
  error?: { code: string };
  result?: { status: number; sizeBytes: number };
  usage?: { provenance: string };
}

/** Polls a job until it has ended. */
export function finishedJob(
  url: string,
  location: string,
  { withinMs = 60_000, headers = {} }: { withinMs?: number; headers?: Record<string, string> } = {},
): Promise<JobView> {
  return until(
    async () => {
      const response = await fetch(`${url}${location}`, { headers });
      const view = (await response.json()) as JobView;
      return response.status === 200 ? view : undefined;
    },
    withinMs,
    `The end of ${location}`,
  );
}
