import { STATUS_CODES } from "node:http";
import type { HeaderList } from "../../core/headers.ts";
import type { JobRecord } from "../../jobs/index.ts";

/** What the file beside a result says of it. */
export interface ResultFacts {
  readonly status: number;
  readonly headers: HeaderList;
  readonly endedAt: number;
  /** The plain address of the result. */
  readonly dataUri: string;
}

/** The file `{guid}-Headers`, in the fields of the original; the same text for the same result. */
export function resultHeadersFile(
  { id, owner }: JobRecord,
  { status, headers, endedAt, dataUri }: ResultFacts,
): Buffer {
  const file = {
    Headers: joined(headers),
    UserId: owner,
    MID: id,
    Guid: id,
    Status: statusName(status),
    Timestamp: new Date(endedAt).toISOString(),
    BlobUri: dataUri,
  };
  return Buffer.from(`${JSON.stringify(file, undefined, 2)}\n`);
}

function joined(headers: HeaderList): Record<string, string> {
  const fields = new Map<string, [name: string, value: string]>();
  for (const [name, value] of headers) {
    const known = fields.get(name.toLowerCase());
    fields.set(name.toLowerCase(), known ? [known[0], `${known[1]}, ${value}`] : [name, value]);
  }
  return Object.fromEntries(fields.values());
}

// Where .NET's names, which clients of the original compare with, are not the reason phrases.
// https://learn.microsoft.com/dotnet/api/system.net.httpstatuscode
const OTHER_NAMES: Readonly<Record<number, string>> = {
  413: "RequestEntityTooLarge",
  414: "RequestUriTooLong",
  416: "RequestedRangeNotSatisfiable",
  505: "HttpVersionNotSupported",
};
// .NET has no names for these, and writes the number.
const WITHOUT_NAME = new Set([418, 425, 509]);

/** A status by its .NET name: `OK`, `TooManyRequests`; one without a name by its number. */
function statusName(status: number): string {
  const phrase = WITHOUT_NAME.has(status) ? undefined : STATUS_CODES[status];
  if (phrase === undefined) return String(status);
  return OTHER_NAMES[status] ?? phrase.replace(/[^A-Za-z]/g, "");
}
