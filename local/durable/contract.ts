import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../../shared/core/clock.ts";
import type { LocalLog } from "../service.ts";

/** How the engine calls the app's functions; the Functions host implements it. */
export interface DurableFunctions {
  /** Names as registered, by trigger type. */
  readonly orchestrators: ReadonlySet<string>;
  readonly activities: ReadonlySet<string>;
  readonly entities: ReadonlySet<string>;
  /**
   * Runs one episode: `input` is the JSON text of the orchestration trigger. Resolves with the JSON
   * text of the orchestrator's state; rejects with what the function threw (its message carries the
   * state after `$OutOfProcData$:`).
   */
  invokeOrchestrator(name: string, input: string): Promise<string>;
  /** `input` is the JSON text of the activity's input, absent when there is none; so is the result. */
  invokeActivity(
    name: string,
    instanceId: string,
    input: string | undefined,
  ): Promise<string | undefined>;
  /** `input` and result are JSON text as the entity trigger has them. */
  invokeEntity(name: string, input: string): Promise<string>;
}

/** What `startDurable` needs. */
export interface DurableOptions {
  /** Folder of the engine's database; made when absent. */
  dataDir: string;
  hubName: string;
  /** Origin of the host, such as `http://127.0.0.1:7071`: the base of the management URLs. */
  origin: string;
  /** Key that the management URLs carry; the host refuses callers without it. Default: none is needed. */
  accessKey?: string | undefined;
  functions: DurableFunctions;
  maxConcurrentActivityFunctions?: number;
  maxConcurrentOrchestratorFunctions?: number;
  /** How long closing waits for what runs. Default: 10,000 ms. */
  closeGraceMs?: number;
  clock?: Clock;
  log?: LocalLog;
}

/** A running engine. */
export interface DurableEngine {
  /** JSON text that a `durableClient` input binding receives. */
  clientBinding(): string;
  /**
   * Serves the client protocol and the management API. Returns false, having touched nothing, when
   * the path is neither below `/durabletask/` nor below `/runtime/webhooks/durabletask`.
   */
  handle(request: IncomingMessage, response: ServerResponse): boolean;
  /** Stops taking work, lets running activities end (or abandons them after a grace), closes the store. */
  close(): Promise<void>;
}
