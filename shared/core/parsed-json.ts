/** The value that a text is in JSON; undefined where it is none, which no JSON value is. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
