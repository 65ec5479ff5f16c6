import type { Duplex } from "node:stream";
import type { DurableFunctions } from "../contract.ts";

/** Which function is to run, and with what. */
export interface Invocation {
  kind: "orchestrator" | "activity" | "entity";
  name: string;
  /** JSON text. */
  input?: string | undefined;
  /** Of activities only. */
  instanceId?: string;
}

/** What a host says of itself when it joins. */
export interface Hello {
  type: "hello";
  hubName: string;
  orchestrators: string[];
  activities: string[];
  entities: string[];
  /** How many of each this host runs at once. */
  maxActivities: number;
  maxOrchestrators: number;
}

/** What a host tells the hub. */
export type FromHost =
  | Hello
  | { type: "alive" }
  | { type: "leaving" }
  | { type: "done"; id: number; result?: string | undefined }
  | { type: "failed"; id: number; message: string; stack?: string | undefined };

/** What the hub tells a host. */
export type FromHub =
  | { type: "welcome" }
  | { type: "refused"; reason: string }
  | ({ type: "run"; id: number } & Invocation);

/** The header that says who calls: hub and hosts of one stack know the same key. */
export const HUB_KEY_HEADER = "x-hub-key";

/** The protocol that a host asks to change to. */
export const UPGRADE = "durable-host";

const NEWLINE = 0x0a;

/** One frame a line: JSON has no line break of its own. */
export function sendFrame(socket: Duplex, frame: FromHost | FromHub): void {
  if (!socket.destroyed) socket.write(`${JSON.stringify(frame)}\n`);
}

/** Hands on each frame; what is no frame ends the connection. */
export function readFrames<Frame extends FromHost | FromHub>(
  socket: Duplex,
  onFrame: (frame: Frame) => void,
): void {
  let open: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      const line = Buffer.concat([...open, chunk.subarray(from, at)]).toString();
      open = [];
      from = at + 1;
      try {
        onFrame(JSON.parse(line) as Frame);
      } catch (error) {
        socket.destroy(error instanceof Error ? error : new Error(String(error)));
        return;
      }
    }
    if (from < chunk.length) open.push(chunk.subarray(from));
  });
}

/** Runs what the hub asks for. */
export function invoke(functions: DurableFunctions, call: Invocation): Promise<string | undefined> {
  const { kind, name, input, instanceId = "" } = call;
  if (kind === "activity") return functions.invokeActivity(name, instanceId, input);
  return kind === "entity"
    ? functions.invokeEntity(name, input ?? "")
    : functions.invokeOrchestrator(name, input ?? "");
}
