export {
  type BackendAnswer,
  type BackendCall,
  type BackendClient,
  type BackendClientOptions,
  createBackendClient,
} from "./backend-client.ts";
export { BackendFailure, type BackendFailureKind, type UnseenBy } from "./backend-failure.ts";
export { ContinuedStream } from "./continued-stream.ts";
export { SpoolError } from "./spool-file.ts";
export { storeBody } from "./store-body.ts";
export type { StreamProtocol } from "./stream-meaning.ts";
export { createTokenSource, type TokenSource } from "./token-source.ts";
