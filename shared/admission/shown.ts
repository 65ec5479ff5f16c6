const MAX_SHOWN_CHARACTERS = 64;

// What clients keep in such headers is nobody else's business, not even in an answer to themselves.
const SECRET_NAME = /auth|key|token|secret|cookie|password|credential|signature/i;

/** What a client sent, as a refusal may repeat it: printable, short, in quotes. */
export function shown(value: string): string {
  const printable = value.replace(/[^\x20-\x7e]/g, "?").replaceAll('"', "'");
  return printable.length > MAX_SHOWN_CHARACTERS
    ? `"${printable.slice(0, MAX_SHOWN_CHARACTERS)}..."`
    : `"${printable}"`;
}

/** Whether a header's value may be repeated at all. */
export function mayShow(header: string): boolean {
  return !SECRET_NAME.test(header);
}
