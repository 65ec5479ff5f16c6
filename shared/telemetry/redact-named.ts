import { isSecretName } from "./secret-names.ts";

/** What stands in the place of a secret. */
export const REDACTED = "REDACTED";

/**
 * A name and what is before its value: in a query, a JSON text, a header line, a connection string, or a
 * list in which its value follows. What opens the value may be a quote, escaped as often as texts are
 * within texts, or a bracket. Looked for where a name begins only: a text of letters would be gone through
 * from each of them.
 */
const NAMED =
  /(?<![A-Za-z0-9_.-])([A-Za-z0-9_.-]+)(\\{0,64}["'])?\s{0,4}(=>|[:=,])\s{0,4}(\\{0,64}["']|\\{0,64}[[{])?/g;
const VALUE = /[^\s"'\\&;,}\]<]+/y;
// After a colon these go on to the end of their line: they have schemes, and more than one part.
const LINE_NAME = /(?:authorization|cookie2?)$/i;
const LINE_VALUE = /(?:=\\{0,64}["'][^\r\n"']*["']|[^\r\n"'\\])+/y;
// In a connection string they may hold what ends any other value. Not without a bound: it is looked for
// behind every such name, however far away the end is.
const PHRASE_NAME = /(?:password|pwd|passwd)$/i;
const PHRASE_VALUE = /[^;\r\n"']{1,256}(?=;)/y;

/** Only the values of names on the list are passed over: any other may have such a name within it. */
export function redactNamed(text: string): string {
  let redacted = "";
  let from = 0;
  for (const found of text.matchAll(NAMED)) {
    const { 0: before, 1: name = "", 2: closing, 3: separator = "", 4: opening, index } = found;
    if (index < from || !isSecretName(name)) continue;
    // In a list both are texts: elsewhere a comma ends what has no value.
    if (separator === "," && !(closing && opening && isQuote(opening))) continue;
    const start = index + before.length;
    const end = opening ? endOfOpened(text, start, opening) : endOfPlain(text, start, found);
    if (end === start) continue;
    redacted += `${text.slice(from, start)}${REDACTED}`;
    from = end;
  }
  return redacted + text.slice(from);
}

const isQuote = (opening: string): boolean => /["']$/.test(opening);

/** What is escaped more often than what opened it does not close it; what nothing closes goes to the end. */
function endOfOpened(text: string, start: number, opening: string): number {
  const opener = opening.at(-1) ?? "";
  if (!isQuote(opening)) {
    const end = text.indexOf(opener === "[" ? "]" : "}", start);
    return end < 0 ? text.length : end;
  }
  for (let at = text.indexOf(opener, start); at >= 0; at = text.indexOf(opener, at + 1)) {
    let first = at;
    while (first > start && text[first - 1] === "\\") first -= 1;
    if (at - first < opening.length) return first;
  }
  return text.length;
}

function endOfPlain(text: string, start: number, found: RegExpExecArray): number {
  for (const value of [extentOf(found), VALUE]) {
    value.lastIndex = start;
    const length = value.exec(text)?.[0].length;
    if (length !== undefined) return start + length;
  }
  return start;
}

function extentOf([, name = "", , separator]: RegExpExecArray): RegExp {
  if (separator === ":" && LINE_NAME.test(name)) return LINE_VALUE;
  return separator === "=" && PHRASE_NAME.test(name) ? PHRASE_VALUE : VALUE;
}
