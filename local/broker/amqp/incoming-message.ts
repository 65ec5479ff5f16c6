import { randomUUID } from "node:crypto";
import { type ClientAnnotations, NO_ANNOTATIONS, readAnnotations } from "./annotations.ts";
import { malformed } from "./errors.ts";
import { types } from "./rhea.ts";
import { booleanAt, isNullAt, textAt, unsignedAt } from "./scalars.ts";
import { readSections, SECTION, type Section } from "./sections.ts";
import { encode } from "./typed.ts";
import { checkCompound, compoundBounds, endOfValue } from "./value-bounds.ts";

/** What is kept of a message from the client; the rest of a delivery is the broker's own. */
export interface MessageContent {
  readonly durable: boolean;
  readonly priority: number;
  readonly ttlMs: number | undefined;
  /** Encoded annotation pairs that pass through. */
  readonly annotations: Buffer;
  /** Properties, application properties, body and footer, as the bytes that came. */
  readonly tail: Buffer;
}

/** A message as a client sent it, with what the broker must know of it. */
export interface IncomingMessage {
  readonly content: MessageContent;
  readonly messageId: string;
  readonly sessionId: string | undefined;
  readonly scheduledAt: number | undefined;
  /** Encoded size as it came over the wire. */
  readonly sizeBytes: number;
}

/** Message format of a batch: each data section is one encoded message. */
export const BATCH_FORMAT = 0x80013700;

const DEFAULT_PRIORITY = 4;
// Positions in the properties list (AMQP 1.0, part 3.2.4).
const MESSAGE_ID_FIELD = 0;
const GROUP_ID_FIELD = 10;

/** The messages in one transfer: one, or all those of a batch. */
export function readTransfer(payload: Buffer, format: number): IncomingMessage[] {
  if (format !== BATCH_FORMAT) return [readMessage(payload)];
  return readSections(payload)
    .filter((section) => section.code === SECTION.data)
    .map((section) => readMessage(binaryOf(payload, section)));
}

/** Reads one encoded message. */
export function readMessage(bytes: Buffer): IncomingMessage {
  const sections = readSections(bytes);
  const find = (code: number): Section | undefined => sections.find((one) => one.code === code);
  const application = find(SECTION.applicationProperties);
  // Dead-lettering rewrites them, at a time when nobody could be told that they are broken.
  if (application) checkCompound(bytes, application.valueStart);
  const bare = sections.find((section) => section.code >= SECTION.properties);
  const annotations = annotationsOf(bytes, find(SECTION.messageAnnotations));
  const identity = identityOf(bytes, find(SECTION.properties));
  const tail = bare ? bytes.subarray(bare.start) : Buffer.alloc(0);
  const content = {
    ...headerOf(bytes, find(SECTION.header)),
    annotations: annotations.pairs,
    // A copy, so that a small message in memory does not keep the whole socket read alive.
    tail: identity.properties ? withProperties(tail, identity.properties) : Buffer.from(tail),
  };
  const { messageId, sessionId } = identity;
  const { scheduledAt } = annotations;
  return { content, messageId, sessionId, scheduledAt, sizeBytes: bytes.length };
}

function binaryOf(bytes: Buffer, section: Section): Buffer {
  const code = bytes[section.valueStart];
  if (code === 0xa0) return bytes.subarray(section.valueStart + 2, section.end);
  if (code === 0xb0) return bytes.subarray(section.valueStart + 5, section.end);
  throw malformed("A data section must hold binary.");
}

const annotationsOf = (bytes: Buffer, section: Section | undefined): ClientAnnotations =>
  section ? readAnnotations(bytes, section.valueStart) : NO_ANNOTATIONS;

function headerOf(
  bytes: Buffer,
  section: Section | undefined,
): Pick<MessageContent, "durable" | "priority" | "ttlMs"> {
  const [durable, priority, ttl] = section ? fieldOffsets(bytes, section.valueStart, 3) : [];
  return {
    durable: durable !== undefined && booleanAt(bytes, durable) === true,
    priority:
      (priority === undefined ? undefined : unsignedAt(bytes, priority)) ?? DEFAULT_PRIORITY,
    ttlMs: ttl === undefined ? undefined : unsignedAt(bytes, ttl),
  };
}

interface Identity {
  messageId: string;
  sessionId: string | undefined;
  /** The properties section to use instead of the client's, when the broker named the message. */
  properties?: { readonly bytes: Buffer; readonly replaces: number };
}

function identityOf(bytes: Buffer, section: Section | undefined): Identity {
  if (!section) return named({ fields: [], replaces: 0, sessionId: undefined });
  const offsets = fieldOffsets(bytes, section.valueStart, GROUP_ID_FIELD + 1);
  const [idAt, groupAt] = [offsets[MESSAGE_ID_FIELD], offsets[GROUP_ID_FIELD]];
  const sessionId = groupAt === undefined ? undefined : textAt(bytes, groupAt);
  if (idAt !== undefined && !isNullAt(bytes, idAt)) {
    return { messageId: idText(bytes, idAt), sessionId };
  }
  const { end, count } = compoundBounds(bytes, section.valueStart);
  const fields = idAt === undefined ? [] : [bytes.subarray(idAt + 1, end)];
  const replaces = section.end - section.start;
  return named({ fields, count: Math.max(1, count), replaces, sessionId });
}

/** Every message needs an id: without one the JavaScript SDK cannot settle what it received. */
function named(missing: {
  fields: readonly Buffer[];
  count?: number;
  replaces: number;
  sessionId: string | undefined;
}): Identity {
  const messageId = randomUUID().replaceAll("-", "");
  const id = encode(types.wrap_string(messageId));
  const size = missing.fields.reduce((sum, field) => sum + field.length, id.length);
  const head = Buffer.from([0x00, 0x53, SECTION.properties, 0xd0, 0, 0, 0, 0, 0, 0, 0, 0]);
  head.writeUInt32BE(size + 4, 4);
  head.writeUInt32BE(missing.count ?? 1, 8);
  const bytes = Buffer.concat([head, id, ...missing.fields]);
  const properties = { bytes, replaces: missing.replaces };
  return { messageId, sessionId: missing.sessionId, properties };
}

const withProperties = (
  tail: Buffer,
  properties: { readonly bytes: Buffer; readonly replaces: number },
): Buffer => Buffer.concat([properties.bytes, tail.subarray(properties.replaces)]);

/** Ids that are not text (ulong, uuid, binary) are told apart from text by their type code. */
function idText(bytes: Buffer, offset: number): string {
  const text = textAt(bytes, offset);
  if (text !== undefined) return text;
  return `#${bytes.toString("hex", offset, endOfValue(bytes, offset))}`;
}

/** Where the first `limit` fields of the list at `offset` begin; trailing ones may be absent. */
function fieldOffsets(bytes: Buffer, offset: number, limit: number): number[] {
  const { start, end } = compoundBounds(bytes, offset);
  const offsets: number[] = [];
  for (let at = start; at < end && offsets.length < limit; at = endOfValue(bytes, at)) {
    offsets.push(at);
  }
  return offsets;
}
