import { createServer, type ServerResponse } from "node:http";
import { setTimeout as pause, setImmediate as turn } from "node:timers/promises";
import { bodyTextOf } from "../../support/http-server.ts";
import { EVENTS, SHAPES, type Shape } from "./orders.ts";

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
const CONTENT = event({});
const QUICK = CONTENT.repeat(EVENTS.quick) + END;

const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/** Each event in a write of its own, as models send them, and no slower than that. */
async function eventByEvent(response: ServerResponse): Promise<void> {
  for (let sent = 0; sent < EVENTS.single; sent++) {
    response.write(CONTENT);
    await turn();
  }
  response.end(END);
}

/** One event after the other, each with the time at which it was sent. */
async function paced(response: ServerResponse): Promise<void> {
  // Streams come together; their events must not, or each would wait for those before it.
  await pause(PACE_MS * Math.random());
  for (let sent = 0; sent < EVENTS.paced; sent++) {
    response.write(event({ at: nowMs() }));
    await pause(PACE_MS);
  }
  response.end(END);
}

// What a short chat is answered, of about a kilobyte.
const WHOLE = JSON.stringify({
  id: "chatcmpl-1",
  object: "chat.completion",
  model: "gpt-4o",
  choices: [
    {
      index: 0,
      message: { role: "assistant", content: "A few words. ".repeat(60) },
      finish_reason: "stop",
    },
  ],
  usage: USAGE,
});

const stream =
  (send: (response: ServerResponse) => unknown) =>
  (response: ServerResponse): unknown => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    return send(response);
  };

const ANSWERS: Record<Shape, (response: ServerResponse) => unknown> = {
  quick: stream((response) => response.end(QUICK)),
  single: stream(eventByEvent),
  paced: stream(paced),
  whole: (response) => response.writeHead(200, { "content-type": "application/json" }).end(WHOLE),
};

const server = createServer(async (incoming, response) => {
  const body = await bodyTextOf(incoming);
  const shape = SHAPES.find((name) => body.includes(`"${name}"`)) ?? "quick";
  await ANSWERS[shape](response);
});
server.keepAliveTimeout = 0;
server.listen(0, "127.0.0.1", () => {
  process.send?.((server.address() as { port: number }).port);
});
process.on("disconnect", () => process.exit(0));
