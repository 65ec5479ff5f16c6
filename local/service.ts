/** One part of the local stack (broker, storage, models, host), running until it is closed. */
export interface RunningService {
  /** Where it listens, for people and for settings: `http://127.0.0.1:10000`, `amqp://...`. */
  readonly url: string;
  /** Stops accepting, finishes or releases what runs, flushes to disk. Safe to call twice. */
  close(): Promise<void>;
  /** Resolves when it can serve no longer, though nobody closed it: only a new start can help. */
  readonly broken?: Promise<void>;
}

/** The parts that run in a process of their own. */
export type ServiceName = "broker" | "storage" | "models" | "durable" | "host";

/** What a child process tells its parent; `facts` are the running service's plain properties. */
export type ServiceMessage =
  | { type: "ready"; facts: { url: string } & Record<string, unknown> }
  | { type: "failed"; message: string }
  | { type: "log"; line: string };

/** What a parent sends to a child that is to close and end. */
export const STOP_ORDER = "stop";

/** Prints one line for a person. Parts of the stack say little: what they did not expect. */
export type LocalLog = (line: string) => void;

/** Thrown at start for what the user must mend: a taken port, a corrupt folder, a bad setting. */
export class StartError extends Error {
  override readonly name = "StartError";
}
