import type { TaskSource } from "../history-events.ts";
import type { HttpCallRequest } from "./actions.ts";

interface Identified {
  taskId: number;
  source: TaskSource;
}

/** Runs an activity function. */
export interface ActivityCommand extends Identified {
  type: "activity";
  name: string;
  /** JSON text. */
  input: string | undefined;
}

/** Starts a child instance. */
export interface SubOrchestrationCommand extends Identified {
  type: "subOrchestration";
  name: string;
  instanceId: string | undefined;
  version: string | undefined;
  /** JSON text. */
  input: string | undefined;
}

/** Creates a durable timer; a cancelled one is recorded and never fires. */
export interface TimerCommand extends Identified {
  type: "timer";
  fireAt: number;
  isCanceled: boolean;
}

/** Sends an operation to an entity; only a call is answered. */
export interface EntityCommand extends Identified {
  type: "callEntity" | "signalEntity";
  /** Scheduler id, `@name@key`. */
  target: string;
  operation: string;
  /** JSON text. */
  input: string | undefined;
}

/** Makes an HTTP request on behalf of the orchestrator. */
export interface HttpCommand extends Identified {
  type: "http";
  request: HttpCallRequest;
}

/** Something new that the engine must do for an execution, with the task id the SDK gave it. */
export type Command =
  | ActivityCommand
  | SubOrchestrationCommand
  | TimerCommand
  | EntityCommand
  | HttpCommand;
