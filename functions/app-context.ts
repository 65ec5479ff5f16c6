import type { OwnedServices } from "../shared/gateway/index.ts";
import type { HttpConnections } from "./http-connections.ts";

/** What trigger files share: made by index.ts, handed to each `register...` function. */
export interface AppContext {
  readonly owned: OwnedServices;
  readonly connections: HttpConnections;
  /** Whether the platform asks for a function's key before it calls any function but the probes. */
  readonly authLevel: "anonymous" | "function";
}
