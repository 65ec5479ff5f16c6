import type { IdList } from "./parse-id-list.ts";
import type { Profile, ProfileDirectory } from "./profile.ts";

/** The documents that say who callers are; absent where none is configured. */
export interface IdentityDocuments {
  readonly profiles?: ProfileDirectory | undefined;
  readonly suspendedUsers?: IdList | undefined;
  readonly appIds?: IdList | undefined;
}

/** Who callers are at one moment. Immutable: a reader that holds it sees no half of a change. */
export interface IdentitySnapshot {
  findProfile(id: string): Profile | undefined;
  isSuspended(id: string): boolean;
  /** Without a list nobody is on it: what should be checked and cannot be is refused. */
  isAppIdAllowed(appId: string): boolean;
}

/** Puts the documents in force together. */
export function createIdentitySnapshot(documents: IdentityDocuments): IdentitySnapshot {
  const { profiles, suspendedUsers, appIds } = documents;
  return Object.freeze({
    findProfile: (id: string) => profiles?.find(id),
    isSuspended: (id: string) => suspendedUsers?.has(id) ?? false,
    isAppIdAllowed: (appId: string) => appIds?.has(appId) ?? false,
  });
}
