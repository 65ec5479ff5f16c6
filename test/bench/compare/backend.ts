import { createServer, type ServerResponse } from "node:http";
import type { BackendOrder } from "./orders.ts";

/**
 * The simulated backend, in a process of its own: answers with 1 KB of JSON, or with an event stream
 * whose events carry the moment at which they were sent.
 */
const PADDING = "x".repeat(820);
const JSON_ANSWER = Buffer.from(
  JSON.stringify({
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1_700_000_000,
    model: "bench",
    choices: [
      { index: 0, message: { role: "assistant", content: PADDING }, finish_reason: "stop" },
    ],
    usage: { prompt_tokens: 9, completion_tokens: 12, total_tokens: 21 },
  }),
);
const LAST_EVENT = "data: [DONE]\n\n";

const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

function eventOf(finish: string | null): string {
  const choice = { index: 0, delta: { content: `@${nowMs().toFixed(3)}@` }, finish_reason: finish };
  const event = { id: "chatcmpl-1", object: "chat.completion.chunk", choices: [choice] };
  return `data: ${JSON.stringify(event)}\n\n`;
}

/** Each event is a write of its own, in a turn of its own, or its own time apart. */
function stream(response: ServerResponse, { events, intervalMs }: Required<BackendOrder>): void {
  response.setHeader("content-type", "text/event-stream");
  let left = events;
  const next = (): void => {
    left -= 1;
    response.write(eventOf(left === 0 ? "stop" : null));
    if (left > 0) schedule(intervalMs);
    else response.end(LAST_EVENT);
  };
  const schedule = (ms: number): void => void (ms > 0 ? setTimeout(next, ms) : setImmediate(next));
  // The streams of one round come together; their events must not.
  schedule(intervalMs * Math.random());
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.once("end", () => {
    const { user } = JSON.parse(Buffer.concat(chunks).toString()) as { user: string };
    const { events, intervalMs = 0 } = JSON.parse(user) as BackendOrder;
    if (events !== undefined) {
      stream(response, { events, intervalMs });
      return;
    }
    response.setHeader("content-type", "application/json");
    response.setHeader("content-length", JSON_ANSWER.byteLength);
    response.end(JSON_ANSWER);
  });
});
server.keepAliveTimeout = 0;
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
  process.send?.((server.address() as { port: number }).port);
});
process.on("disconnect", () => process.exit(0));
