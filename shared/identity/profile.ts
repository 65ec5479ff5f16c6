import type { HeaderList } from "../core/headers.ts";
import type { AsyncAccess } from "./async-access.ts";

/** How much a user may use; an absent limit is no limit of this user's own. */
export interface ProfileLimits {
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  readonly tokensPerDay?: number;
  readonly concurrentRequests?: number;
  readonly queuedRequests?: number;
}

/** A user's profile, made ready for requests once, when its document is read. */
export interface Profile {
  readonly id: string;
  /** What is put on each of the user's requests, in place of the client's headers of the same names. */
  readonly headers: HeaderList;
  /** The lower-cased names of `headers`. */
  readonly headerNames: ReadonlySet<string>;
  /** The group whose limits and weight count too. */
  readonly group: string | undefined;
  /** The user's part in fair share, relative to others; 1 unless the profile says otherwise. */
  readonly weight: number;
  readonly limits: ProfileLimits;
  readonly asyncAccess: AsyncAccess;
  /** Whether the user may see how the gateway decided about a request. */
  readonly mayDebug: boolean;
}

/** All profiles of one document. Immutable; a look-up costs the same however many there are. */
export interface ProfileDirectory {
  readonly size: number;
  find(id: string): Profile | undefined;
  /** Every profile; for what is worked out once when the document changes. */
  all(): Iterable<Profile>;
}
