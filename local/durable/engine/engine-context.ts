import type { Clock } from "../../../shared/core/clock.ts";
import type { LocalLog } from "../../service.ts";
import type { DurableFunctions } from "../contract.ts";
import type { Store } from "../store/store.ts";

/** What every part of the engine works with. */
export interface EngineContext {
  store: Store;
  clock: Clock;
  log: LocalLog;
  functions: DurableFunctions;
}
