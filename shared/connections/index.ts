export { identityCredential } from "./identity-credential.ts";
export { openTable } from "./open-table.ts";
