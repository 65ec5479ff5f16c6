import { type HeaderList, headerValue } from "../core/headers.ts";

/** Whom a request counts for: fair share, limits and the ownership of jobs. */
export interface Caller {
  readonly userId: string;
  /** Within whose share the user has a share: the profile's group, or the profile itself. */
  readonly groupId?: string | undefined;
}

/** The original's bucket for everybody who does not say who they are. */
export const ANONYMOUS_USER = "defaultUser";
// No header's value holds a line break, so two users never join to one.
const SEPARATOR = "\n";

/** Reads the caller from the headers that the settings name, joined where there are several. */
export function identifyCaller(headers: HeaderList, userHeaders: readonly string[]): Caller {
  const values = userHeaders.map((name) => headerValue(headers, name) ?? "");
  return { userId: values.some((value) => value !== "") ? values.join(SEPARATOR) : ANONYMOUS_USER };
}
