import type { JobRecord } from "../../jobs/index.ts";
import { resultLinkFailed } from "../../telemetry/index.ts";
import type { Services } from "../services.ts";
import { headersFileOf } from "./result-files.ts";

/** Where a caller finds a job's result and the file beside it, in the storage account. */
export interface ResultLinks {
  readonly dataBlobUri: string;
  readonly headerBlobUri: string;
}

/**
 * The links to a job's files, signed anew each time where its caller's profile asks for that; undefined
 * where the caller has no container. They are known, and lead nowhere, before the job has ended. A link
 * that cannot be signed comes plain: a status must be readable while signing is not possible.
 */
export async function resultLinks(
  { jobs, emit }: Pick<Services, "jobs" | "emit">,
  { id, results: place }: Pick<JobRecord, "id" | "results">,
): Promise<ResultLinks | undefined> {
  if (!jobs || !place) return undefined;
  const { container, signsLinks, linkSeconds } = place;
  const linkTo = async (name: string): Promise<string> => {
    if (!signsLinks) return jobs.links.plain({ container, name });
    try {
      return await jobs.links.signed({ container, name }, linkSeconds * 1000);
    } catch (error) {
      emit(resultLinkFailed(id, error));
      return jobs.links.plain({ container, name });
    }
  };
  const [dataBlobUri, headerBlobUri] = await Promise.all([linkTo(id), linkTo(headersFileOf(id))]);
  return { dataBlobUri, headerBlobUri };
}
