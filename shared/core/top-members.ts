const [QUOTE, BACKSLASH, COLON, COMMA] = [0x22, 0x5c, 0x3a, 0x2c];
const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [0x7b, 0x7d, 0x5b, 0x5d];
const SPACE = 0x20;

/**
 * Members of a JSON object's own that have one of the names: each value as it was written, in their order. Undefined
 * where the text is no whole object, and where one of its names is escaped, which only a parser understands. Long
 * texts are passed over, not read, so that a prompt costs next to nothing; what is within values is not judged.
 */
export function topMembers(
  text: string,
  names: ReadonlySet<string>,
): readonly (readonly [name: string, value: string])[] | undefined {
  const found: [string, string][] = [];
  let depth = 0;
  let isOver = false;
  let expectsName = false;
  let name: string | undefined;
  let valueAt = 0;
  const closeMember = (end: number): void => {
    if (name !== undefined) found.push([name, text.slice(valueAt, end).trim()]);
    name = undefined;
  };
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code <= SPACE) continue;
    if (isOver || (depth === 0 && code !== OPEN_BRACE)) return undefined;
    if (code === QUOTE) {
      const end = endOfString(text, at);
      if (end < 0) return undefined;
      if (expectsName) {
        const written = text.slice(at + 1, end);
        if (written.includes("\\")) return undefined;
        name = names.has(written) ? written : undefined;
        expectsName = false;
      }
      at = end;
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      depth += 1;
      expectsName = depth === 1;
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      if (depth === 1) closeMember(at);
      depth -= 1;
      isOver = depth === 0;
      expectsName = false;
    } else if (depth === 1 && code === COMMA) {
      closeMember(at);
      expectsName = true;
    } else if (depth === 1 && code === COLON) valueAt = at + 1;
  }
  return isOver ? found : undefined;
}

/** Where the string's closing quote stands; -1 without one. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let before = end - 1;
    while (text.charCodeAt(before) === BACKSLASH) before -= 1;
    // An even number of backslashes escape each other.
    if ((end - before) % 2 === 1) return end;
  }
  return -1;
}
