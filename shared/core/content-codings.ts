import type { HeaderList } from "./headers.ts";

/** How a body is coded, in the order in which that was done: what was done last is to be undone first. */
export function contentCodings(headers: HeaderList): readonly string[] {
  const codings: string[] = [];
  for (const [name, value] of headers) {
    if (name.length !== CONTENT_ENCODING.length || name.toLowerCase() !== CONTENT_ENCODING)
      continue;
    for (const part of value.toLowerCase().split(",")) {
      const coding = part.trim();
      if (coding !== "" && coding !== "identity") codings.push(coding);
    }
  }
  return codings;
}

const CONTENT_ENCODING = "content-encoding";
