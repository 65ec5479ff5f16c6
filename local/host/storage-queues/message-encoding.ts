/** How texts lie in a queue: base64, as the platform's default has it, or plain. */
export type MessageEncoding = "base64" | "none";

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Decodes a stored text; undefined when it is not encoded that way. */
export function decodeMessage(text: string, encoding: MessageEncoding): Buffer | undefined {
  if (encoding === "none") return Buffer.from(text, "utf8");
  return BASE64.test(text) ? Buffer.from(text, "base64") : undefined;
}

/** Encodes a body for a queue. */
export function encodeMessage(body: Buffer, encoding: MessageEncoding): string {
  return body.toString(encoding === "none" ? "utf8" : "base64");
}
