/**
 * A lock token is a GUID. Delivery tags carry it in .NET's byte order (the first three groups little
 * endian), management bodies as an AMQP uuid in network order; the broker's own key is the text.
 */
const NET_ORDER = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15] as const;

/** The 16 bytes of a token in network order, as an AMQP uuid. */
export function tokenToUuid(token: string): Buffer {
  return Buffer.from(token.replaceAll("-", ""), "hex");
}

/** The token whose AMQP uuid is `bytes`. */
export function tokenFromUuid(bytes: Buffer): string {
  const hex = bytes.toString("hex");
  const groups = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)];
  return `${groups.join("-")}-${hex.slice(20)}`;
}

/** The delivery tag that carries a token. */
export function tokenToTag(token: string): Buffer {
  const uuid = tokenToUuid(token);
  return Buffer.from(NET_ORDER.map((index) => uuid[index] ?? 0));
}
