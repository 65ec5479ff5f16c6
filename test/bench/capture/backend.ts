import { createServer, type ServerResponse } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { bodyTextOf } from "../../support/http-server.ts";
import { PACED_EVENTS, QUICK_EVENTS } from "./orders.ts";

/**
 * The backend of `npm run bench:capture`, in a process of its own. It always tells usage as to a client that
 * asked for it: null in each chunk, and a last one without choices.
 */
const PACE_MS = 15;

const event = (extra: object): string =>
  `data: ${JSON.stringify({
    id: "chatcmpl-1",
    object: "chat.completion.chunk",
    model: "gpt-4o",
    choices: [{ index: 0, delta: { content: " word" }, finish_reason: null }],
    usage: null,
    ...extra,
  })}\n\n`;
const USAGE = { prompt_tokens: 9, completion_tokens: 200, total_tokens: 209 };
const FINISH = event({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
const END = `${FINISH}${event({ choices: [], usage: USAGE })}data: [DONE]\n\n`;
const QUICK = event({}).repeat(QUICK_EVENTS) + END;

const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/** Sends a stream at once, or one event after the other, each with the time at which it was sent. */
async function answer(response: ServerResponse, isPaced: boolean): Promise<void> {
  response.writeHead(200, { "content-type": "text/event-stream" });
  if (!isPaced) {
    response.end(QUICK);
    return;
  }
  // Streams come together; their events must not, or each would wait for those before it.
  await pause(PACE_MS * Math.random());
  for (let sent = 0; sent < PACED_EVENTS; sent++) {
    response.write(event({ at: nowMs() }));
    await pause(PACE_MS);
  }
  response.end(END);
}

const server = createServer(async (incoming, response) => {
  const body = await bodyTextOf(incoming);
  await answer(response, body.includes('"paced"'));
});
server.keepAliveTimeout = 0;
server.listen(0, "127.0.0.1", () => {
  process.send?.((server.address() as { port: number }).port);
});
process.on("disconnect", () => process.exit(0));
