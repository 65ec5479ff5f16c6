import { createHash, timingSafeEqual } from "node:crypto";
import { type HeaderList, headerValue } from "../core/headers.ts";

/** The header with which an operator shows a key. */
export const OPERATOR_KEY_HEADER = "x-operator-key";

/** What a request's headers say of who asks: nothing at all, something that is not right, or enough. */
export type OperatorStanding = "unidentified" | "refused" | "operator";

/** Tells operators from everybody else, by whatever proof the settings accept. */
export type OperatorCheck = (headers: HeaderList) => OperatorStanding;

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

/** Operators are those who have one of the keys; without keys nobody is. */
export function createOperatorCheck(keys: readonly string[]): OperatorCheck {
  const accepted = keys.map(digest);
  return (headers) => {
    const shown = headerValue(headers, OPERATOR_KEY_HEADER);
    if (shown === undefined) return "unidentified";
    const hashed = digest(shown);
    // Every key is compared, and digests of one length: the time taken says nothing about any of them.
    const matches = accepted.filter((known) => timingSafeEqual(known, hashed));
    return matches.length > 0 ? "operator" : "refused";
  };
}
