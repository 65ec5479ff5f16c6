export { type Caller, identifyCaller } from "./caller.ts";
export { openCredentials, type SealedHeaders, sealCredentials } from "./credential-seal.ts";
