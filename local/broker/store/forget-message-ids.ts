import type { Cancel, Clock } from "../../../shared/core/clock.ts";
import type { BrokerStore } from "./broker-store.ts";

const PERIOD_MS = 30_000;

/** Forgets, from time to time, message ids whose duplicate window is past. Returns how to stop. */
export function forgetMessageIds(store: BrokerStore, clock: Clock): Cancel {
  let cancel: Cancel = () => {};
  const arm = (): void => {
    cancel = clock.schedule(PERIOD_MS, () => {
      store.change((entities) => entities.forgetIds(clock.now()));
      arm();
    });
  };
  arm();
  return () => cancel();
}
