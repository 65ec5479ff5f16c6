import type { Clock } from "../../shared/core/clock.ts";
import { type LocalLog, NotEmulatedError, type RunningService } from "../service.ts";

export interface ModelsOptions {
  /** First port on 127.0.0.1; each further endpoint takes the next one. 0 takes free ones. */
  port: number;
  /** How many endpoints to start, each a backend of its own with its own capacity. */
  endpoints?: number;
  /** Seed of every random choice, so that a run can be repeated. */
  seed?: number;
  clock?: Clock;
  log?: LocalLog;
}

/** The simulated endpoints; `url` is the first one's. */
export interface RunningModels extends RunningService {
  readonly urls: readonly string[];
}

/** Starts simulated model endpoints. Fails with a `StartError` that names what the user must mend. */
export function startModels(_options: ModelsOptions): Promise<RunningModels> {
  return Promise.reject(new NotEmulatedError("model endpoints"));
}
