import type { BlobClient, BlobGetPropertiesResponse } from "@azure/storage-blob";
import { delay, systemClock } from "../core/clock.ts";
import { untilAborted } from "../core/until-aborted.ts";
import { statusOf } from "./storage-error.ts";

// Within an account a copy is a matter of metadata and done at once; a large one may take a moment.
const POLL_MS = 250;
const MAX_POLLS = 240;
const SOURCE_KEY = "source";

/** From where to where. */
export interface BlobCopy {
  readonly source: BlobClient;
  readonly target: BlobClient;
  readonly abortSignal: AbortSignal;
}

type Conditions = { ifNoneMatch?: string; ifMatch?: string };

/**
 * Makes `target` hold the bytes of `source`, by the service itself. However many do it at once, and
 * however often, readers see those bytes whole or no blob: what is there already from the same source
 * is left alone. Returns false when there is no source and no copy of it.
 */
export async function copyBlob(copy: BlobCopy): Promise<boolean> {
  let conditions: Conditions = { ifNoneMatch: "*" };
  for (let polls = 0; polls < MAX_POLLS; polls++) {
    const status = await tryCopy(copy, conditions);
    if (status === "copied") return true;
    const found = await propertiesOf(copy);
    const state = found && isCopyOf(copy.source, found) ? found.copyStatus : undefined;
    if (state === "success") return true;
    if (status === "absent") return false;
    if (state === "pending") await delay(systemClock, POLL_MS, copy.abortSignal);
    else conditions = found?.etag === undefined ? { ifNoneMatch: "*" } : { ifMatch: found.etag };
  }
  throw new Error("A copy did not end in time.");
}

/** `taken` when the target is not as the conditions say, `absent` when there is no source. */
async function tryCopy(
  { source, target, abortSignal }: BlobCopy,
  conditions: Conditions,
): Promise<"copied" | "taken" | "absent"> {
  try {
    const metadata = { [SOURCE_KEY]: source.name };
    const options = { conditions, metadata, intervalInMs: POLL_MS, abortSignal };
    const poller = await target.beginCopyFromURL(source.url, options);
    // The library hands the signal to the first of its calls alone.
    const { copyStatus } = await untilAborted(poller.pollUntilDone(), abortSignal).finally(() =>
      poller.stopPolling(),
    );
    if (copyStatus === "success") return "copied";
    throw new Error(`A copy ended as ${copyStatus}.`);
  } catch (error) {
    switch (statusOf(error)) {
      case 404:
        return "absent";
      case 409:
      case 412:
        return "taken";
      default:
        throw error;
    }
  }
}

async function propertiesOf({
  target,
  abortSignal,
}: BlobCopy): Promise<BlobGetPropertiesResponse | undefined> {
  try {
    return await target.getProperties({ abortSignal });
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

const isCopyOf = (source: BlobClient, { metadata }: BlobGetPropertiesResponse): boolean =>
  metadata?.[SOURCE_KEY] === source.name;
