export {
  type BackendAnswer,
  type BackendCall,
  type BackendClient,
  createBackendClient,
} from "./backend-client.ts";
export { createTokenSource, type TokenSource } from "./token-source.ts";
