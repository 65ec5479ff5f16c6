import * as z from "zod";
import { PoisonMessageError, readMessage } from "./envelope.ts";

// What an id becomes: a partition, a blob's name, an orchestration and message ids. Partitions that begin
// with `owner-` list an owner's jobs, and `starting` holds those that the engine is yet to be told of.
const JOB_ID = /^(?!owner-|starting$)[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const REQUEST_TARGET = /^\/[\x21-\x7e]*$/;

const fieldValue = () => z.string().regex(FIELD_VALUE, { error: "expected a header's value" });

/** A job as its sender puts it on the queue. */
const submissionSchema = z.lazy(() =>
  z.strictObject({
    id: z.string().regex(JOB_ID, {
      error: "expected 1 to 100 letters, digits, dots, hyphens and underscores",
    }),
    user: fieldValue().min(1),
    method: z.string().regex(TOKEN, { error: "expected an HTTP method" }).default("POST"),
    path: z.string().regex(REQUEST_TARGET, { error: "expected a path with its query, encoded" }),
    headers: z
      .record(
        z.string().regex(TOKEN, { error: "expected a header's name" }),
        z.union([fieldValue(), z.array(fieldValue())]),
      )
      .default({}),
    priority: z.int().min(1).optional(),
    body: z.json().optional(),
    /** Whether the body is bytes in base64. */
    isBase64: z.boolean().default(false),
  }),
);

/** A job that came as a message, with its body as bytes. */
export interface Submission {
  readonly id: string;
  readonly user: string;
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly priority: number | undefined;
  readonly body: Uint8Array | undefined;
}

/** Reads what came out of the submission queue; throws a `PoisonMessageError` that tells its sender why not. */
export function readSubmission(message: unknown): Submission {
  try {
    return read(message);
  } catch (cause) {
    // The only thing that overflows is the depth of its JSON, and it will be as deep the next time.
    if (!(cause instanceof RangeError)) throw cause;
    throw new PoisonMessageError("The message is not readable: it is nested too deeply.", {
      cause,
    });
  }
}

function read(message: unknown): Submission {
  const { id, user, method, path, priority, ...rest } = readMessage(submissionSchema, message);
  const headers = Object.entries(rest.headers).flatMap(([name, values]) =>
    [values].flat().map((value) => [name, value] as const),
  );
  const hasType = headers.some(([name]) => name.toLowerCase() === "content-type");
  const isJson = rest.body !== undefined && typeof rest.body !== "string";
  return {
    id,
    user,
    method,
    target: path,
    headers: isJson && !hasType ? [...headers, ["content-type", "application/json"]] : headers,
    priority,
    body: bodyBytes(rest),
  };
}

type Body = Pick<z.infer<typeof submissionSchema>, "body" | "isBase64">;

function bodyBytes({ body, isBase64 }: Body): Uint8Array | undefined {
  if (body === undefined) return undefined;
  if (!isBase64) return Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  const parsed = z.base64().safeParse(body);
  if (parsed.success) return Buffer.from(parsed.data, "base64");
  throw new PoisonMessageError("The message is not readable: its body is not base64.");
}
