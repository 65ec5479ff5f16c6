import type { RpcTypedData } from "../core/core-types.ts";

/** The body of a message as its bytes; a value that is not text has no form in a trigger. */
export function bodyBytes(body: unknown): Buffer {
  if (body instanceof Uint8Array) return Buffer.from(body);
  if (Array.isArray(body) && body.every((part) => part instanceof Uint8Array)) {
    return Buffer.concat(body);
  }
  if (typeof body === "string") return Buffer.from(body, "utf8");
  if (body === undefined || body === null) return Buffer.alloc(0);
  throw new TypeError(
    "The body is an AMQP value or sequence; a trigger takes data or a string only.",
  );
}

/** A body on the wire: text, unless the binding asks for bytes. */
export function bodyData(body: unknown, isBinary: boolean): RpcTypedData {
  const bytes = bodyBytes(body);
  // What is not UTF-8 becomes text all the same, with replacement characters, as on the platform.
  return isBinary ? { bytes } : { string: bytes.toString("utf8") };
}

/** The bodies of a batch. Empty texts are dropped, as on the platform, whose metadata keeps theirs. */
export function batchData(bodies: readonly unknown[], isBinary: boolean): RpcTypedData {
  const bytes = bodies.map(bodyBytes);
  if (isBinary) return { collectionBytes: { bytes } };
  return {
    collectionString: { string: bytes.map((body) => body.toString("utf8")).filter(Boolean) },
  };
}

/** Whether a trigger's `dataType` asks for bytes. */
export function isBinary(dataType: unknown): boolean {
  return String(dataType ?? "").toLowerCase() === "binary";
}
