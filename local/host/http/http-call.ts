import type { RpcTypedData } from "../core/core-types.ts";
import type { RegisteredFunction } from "../core/function-registry.ts";
import type { PublicRequest, PublicResponse } from "./public-messages.ts";
import type { RouteParams } from "./route-matcher.ts";

/** A function with an HTTP trigger, with everything about it that does not change per request. */
export interface HttpFunction {
  readonly fn: RegisteredFunction;
  readonly triggerName: string;
  readonly authLevel: string;
  readonly route: string | undefined;
  readonly methods: readonly string[];
  /** Values of the other input bindings, such as the durable client's. */
  readonly extraInputs: () => { name: string; data: RpcTypedData }[];
}

/** One request on its way to its function. */
export interface HttpCall {
  readonly target: HttpFunction;
  readonly params: RouteParams;
  readonly request: PublicRequest;
  readonly response: PublicResponse;
  readonly invocationId: string;
}

/** How requests and responses travel between the public server and the library. */
export interface HttpTransport {
  /** Runs the function and answers the client, whatever happens; never rejects. */
  serve(call: HttpCall): Promise<void>;
  close(): Promise<void>;
}
