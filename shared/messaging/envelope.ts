import { isUtf8 } from "node:buffer";
import * as z from "zod";
import { asBuffer } from "../core/bytes.ts";

/**
 * A body on its way: as text where it is text, else as base64, or as the name of a blob that holds it
 * when it is too large for a message (claim check). Absent bodies are absent.
 */
const bodySchema = z.lazy(() =>
  z.union([
    z.strictObject({ text: z.string() }),
    z.strictObject({ base64: z.base64() }),
    z.strictObject({ blob: z.string().min(1), sizeBytes: z.int().min(0) }),
  ]),
);

const headersSchema = z.lazy(() => z.array(z.tuple([z.string(), z.string()])));

/** What a request's way to a backend came to before its message was sent again for later. */
const tripSchema = z.lazy(() =>
  z.strictObject({
    /** Calls made, and those of them that count against the request's budget. */
    attempts: z.int().min(0),
    countedAttempts: z.int().min(0),
    cycle: z.int().min(0),
    hasFailed: z.boolean(),
    processMs: z.number().min(0),
    waitedMs: z.number().min(0),
    /** Epoch milliseconds: the wait that follows counts from here. */
    leftAt: z.number(),
    /** Of the attempts since a backend last asked for a wait; each status once, the latest last. */
    statuses: z.array(z.int()),
    /** Keys of backends that had their turn; those that were silent get no other. */
    tried: z.array(z.tuple([z.string(), z.enum(["tried", "silent"])])),
  }),
);

const batchSchema = z.lazy(() =>
  z.strictObject({
    jobId: z.string().min(1).max(128),
    piece: z.int().min(0),
    line: z.int().min(0),
    customId: z.string(),
  }),
);

const requestSchema = z.lazy(() =>
  z.strictObject({
    kind: z.enum(["request", "job", "line"]),
    id: z.string().min(1).max(128),
    userId: z.string(),
    groupId: z.string().optional(),
    /** Its caller's profile, which says what limits them; callers without profiles have none. */
    profileId: z.string().optional(),
    priority: z.int().min(1),
    /** Its caller was over their fair share when it came: its attempts go to the lane's second queue. */
    isOver: z.boolean().optional(),
    method: z.string().min(1),
    target: z.string().startsWith("/"),
    headers: headersSchema,
    /** Credentials, sealed; see the identity room. */
    sealedHeaders: z.string().optional(),
    body: bodySchema.optional(),
    receivedAt: z.number(),
    expiresAt: z.number(),
    attemptTimeoutMs: z.number().positive(),
    /** 1 for the first try. */
    attempt: z.int().min(1),
    maxAttempts: z.int().min(1),
    /** How often the job was moved to another lane while this attempt waited. */
    epoch: z.int().min(0).optional(),
    /** Session of the reply queue whose holder waits for the answer; jobs have none. */
    replySession: z.string().optional(),
    /** When the request becomes a job if it is unanswered, and until when that lives; epoch milliseconds. */
    promotion: z.strictObject({ at: z.number(), expiresAt: z.number() }).optional(),
    /** Whether the caller may see how the request was decided, and asked for it. */
    showsReceipt: z.boolean().optional(),
    trip: tripSchema.optional(),
    /** How often in all its message was put off, because storage was away. */
    putOffs: z.int().min(0).optional(),
    /** Which line of which batch it is; only lines have it. */
    batch: batchSchema.optional(),
  }),
);

const replySchema = z.lazy(() =>
  z.strictObject({
    requestId: z.string().min(1),
    status: z.int().min(100).max(599),
    headers: headersSchema,
    body: bodySchema.optional(),
    /** Fields behind the body; absent where there are none. */
    trailers: headersSchema.optional(),
    /** Calls made for the answer, and the time they took; absent where none was made. */
    attempts: z.int().min(0).optional(),
    processMs: z.number().min(0).optional(),
    /** Who answered, by its label. */
    backend: z.string().optional(),
  }),
);

/** A body as a message carries it. */
export type MessageBody = z.infer<typeof bodySchema>;
/** A request's way so far, as its message carries it. */
export type TripMemory = z.infer<typeof tripSchema>;
/** A request as it waits in a lane. */
export type RequestEnvelope = z.infer<typeof requestSchema>;
/** An answer on its way to the instance that holds the client's connection. */
export type ReplyEnvelope = z.infer<typeof replySchema>;

/** A message that can never be processed, whoever tries. */
export class PoisonMessageError extends Error {
  override readonly name = "PoisonMessageError";
}

/** Reads what came out of a lane; the Functions worker may have parsed the JSON already. */
export function readRequestEnvelope(message: unknown): RequestEnvelope {
  return readMessage(requestSchema, message);
}

/** Reads what came out of the reply queue. */
export function readReplyEnvelope(message: unknown): ReplyEnvelope {
  return readMessage(replySchema, message);
}

/** Reads a message by its schema; throws a `PoisonMessageError` that says what is wrong. */
export function readMessage<Output>(schema: z.ZodType<Output>, message: unknown): Output {
  const parsed = schema.safeParse(toJson(message));
  if (parsed.success) return parsed.data;
  throw new PoisonMessageError(`The message is not readable: ${z.prettifyError(parsed.error)}`);
}

function toJson(message: unknown): unknown {
  if (!(message instanceof Uint8Array) && typeof message !== "string") return message;
  try {
    return JSON.parse(typeof message === "string" ? message : Buffer.from(message).toString());
  } catch (cause) {
    throw new PoisonMessageError("The message is not JSON.", { cause });
  }
}

/** A body small enough to travel inside its message. UTF-8 goes as text: base64 costs a third more. */
export function inlineBody(bytes: Uint8Array): MessageBody {
  const buffer = asBuffer(bytes);
  return isUtf8(buffer) ? { text: buffer.toString("utf8") } : { base64: buffer.toString("base64") };
}

/** The bytes of an inline body; undefined when it is a claim check. */
export function inlineBytes(body: MessageBody): Buffer | undefined {
  if ("text" in body) return Buffer.from(body.text, "utf8");
  return "base64" in body ? Buffer.from(body.base64, "base64") : undefined;
}
