import { createHmac } from "node:crypto";
import type { BackendId } from "../core/domain.ts";

const TOKEN_LENGTH = 16;

/** The value by which a client may ask for the same backend again. It names nothing. */
export function affinityToken(id: BackendId, salt: string): string {
  return createHmac("sha256", salt).update(id).digest("base64url").slice(0, TOKEN_LENGTH);
}
