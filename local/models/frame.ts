/** A piece of an answer, and how long after the piece before it is due. */
export interface Frame {
  readonly text: string;
  readonly delayMs: number;
  /** It carries generated text: what faults count, and what is lost when the client leaves. */
  readonly isToken: boolean;
}

/** How an answer ends: as HTTP wants it, by a broken connection, or never. */
export type Ending = "complete" | "break" | "stall";

export type Frames = Generator<Frame, Ending | undefined>;

/** What a server says of itself when a stream fails. */
export const SERVER_ERROR = {
  type: "server_error",
  code: null,
  message: "The server had an error while processing your request.",
  param: null,
};

const SSE_DONE = "data: [DONE]\n\n";

/** A server-sent event with a JSON body. */
export function sseFrame(data: object, timing: Partial<Frame> & { event?: string } = {}): Frame {
  const { event, delayMs = 0, isToken = false } = timing;
  const head = event === undefined ? "" : `event: ${event}\n`;
  return { text: `${head}data: ${JSON.stringify(data)}\n\n`, delayMs, isToken };
}

/** The end of a chat stream. */
export function doneFrame(): Frame {
  return { text: SSE_DONE, delayMs: 0, isToken: false };
}
