import type { RpcBindingInfo } from "../core/core-types.ts";
import type { RegisteredFunction } from "../core/function-registry.ts";

/** A binding with its `%NAME%` expressions resolved. */
export interface NamedBinding {
  readonly name: string;
  readonly binding: RpcBindingInfo;
}

/** A registered function, sorted out for the host. */
export interface AppFunction {
  readonly fn: RegisteredFunction;
  readonly name: string;
  readonly trigger: NamedBinding;
  /** Input bindings besides the trigger. */
  readonly inputs: readonly NamedBinding[];
  /** Output bindings but `http`, whose value the HTTP trigger sends. */
  readonly outputs: readonly NamedBinding[];
  readonly isDisabled: boolean;
}
