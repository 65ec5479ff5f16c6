import type { RheaConnection } from "./rhea.ts";

/** An AMQP frame without a performative: the heartbeat that every client ignores. */
const EMPTY_FRAME = Buffer.from([0, 0, 0, 8, 2, 0, 0, 0]);

/**
 * Answers at once, with an empty frame, what needs no answer. Clients on rhea leave Nagle's algorithm
 * on: after a flow or a disposition their next message waits for the TCP acknowledgement, which the
 * kernel delays by 40 ms unless there is data to send it with.
 */
export function acknowledgePromptly(connection: RheaConnection): void {
  const { socket } = connection;
  let isWatching = false;
  let writtenBefore = 0;
  socket.on("data", () => {
    writtenBefore = socket.bytesWritten;
    if (isWatching) return;
    isWatching = true;
    setImmediate(() => {
      isWatching = false;
      const isSilent = socket.bytesWritten === writtenBefore;
      if (isSilent && socket.writable && connection.is_open()) socket.write(EMPTY_FRAME);
    });
  });
}
