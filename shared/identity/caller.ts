import { type HeaderList, headerValue } from "../core/headers.ts";

/** Whom a request counts for: fair share, limits and the ownership of jobs. */
export interface Caller {
  readonly userId: string;
}

// The original's bucket for everybody who does not say who they are.
const ANONYMOUS_USER = "defaultUser";

/** Reads the caller from the headers that the settings trust, joined as the original joins them. */
export function identifyCaller(headers: HeaderList, userHeaders: readonly string[]): Caller {
  const userId = userHeaders.map((name) => headerValue(headers, name) ?? "").join("");
  return { userId: userId || ANONYMOUS_USER };
}
