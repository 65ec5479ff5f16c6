import type { ServerResponse } from "node:http";
import { performance } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { Agent, request } from "undici";
import { bodyTextOf, startServer } from "../support/http-server.ts";
import { startStack } from "../support/stack.ts";
import { printFigures, quantile } from "./figures.ts";

const ROUNDS = 12;
const STREAMS_A_ROUND = 120;
const PARALLEL = 8;
const EVENTS = 200;
const PACED_STREAMS = 10;
const PACED_EVENTS = 60;
const PACE_MS = 15;

const now = (): number => performance.timeOrigin + performance.now();
const event = (extra: object): string =>
  `data: ${JSON.stringify({
    id: "chatcmpl-1",
    object: "chat.completion.chunk",
    model: "gpt-4o",
    choices: [{ index: 0, delta: { content: " word" }, finish_reason: null }],
    usage: null,
    ...extra,
  })}\n\n`;
const USAGE = { prompt_tokens: 9, completion_tokens: EVENTS, total_tokens: EVENTS + 9 };
const END = `${event({ choices: [], usage: USAGE })}data: [DONE]\n\n`;
const QUICK = event({}).repeat(EVENTS) + END;

/** Sends a stream at once, or one event after the other, each with the time at which it was sent. */
async function answer(response: ServerResponse, isPaced: boolean): Promise<void> {
  response.writeHead(200, { "content-type": "text/event-stream" });
  if (!isPaced) {
    response.end(QUICK);
    return;
  }
  for (let n = 0; n < PACED_EVENTS; n++) {
    response.write(event({ at: now() }));
    await pause(PACE_MS);
  }
  response.end(END);
}

await using backend = await startServer(async (incoming, response) => {
  const body = await bodyTextOf(incoming);
  await answer(response, body.includes('"paced"'));
});
await using stack = await startStack({
  env: {
    Host1: `host=${backend.origin};path=/with;mode=direct`,
    Host2: `host=${backend.origin};path=/without;mode=direct;processor=Inline`,
    GATEWAY_SYNC_MODE: "direct",
    Workers: "64",
  },
});
const agent = new Agent({ connections: 2 * PACED_STREAMS });

type Way = "with" | "without";

/** Without capture: nothing is read, asked for, or taken out; the client's own wish keeps the bytes alike. */
async function stream(way: Way, model: string, onChunk: (chunk: Buffer) => void): Promise<void> {
  const own = way === "without" ? { stream_options: { include_usage: true } } : {};
  const { statusCode, body } = await request(`${stack.url}/${way}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", "X-UserID": "bench" },
    body: JSON.stringify({
      model,
      stream: true,
      ...own,
      messages: [{ role: "user", content: "Hi" }],
    }),
    dispatcher: agent,
  });
  if (statusCode !== 200) throw new Error(`The status was ${statusCode}.`);
  for await (const chunk of body) onChunk(chunk as Buffer);
}

/** Events a second. */
async function throughput(way: Way): Promise<number> {
  const startedAt = performance.now();
  let left = STREAMS_A_ROUND;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await stream(way, "quick", () => {});
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  return (STREAMS_A_ROUND * EVENTS) / ((performance.now() - startedAt) / 1000);
}

/** From the backend to the client, in milliseconds, of each event. */
async function latencies(way: Way): Promise<number[]> {
  const found: number[] = [];
  const onChunk = (chunk: Buffer): void => {
    const at = now();
    for (const [, sent] of chunk.toString().matchAll(/"at":([\d.]+)/g))
      found.push(at - Number(sent));
  };
  await Promise.all(Array.from({ length: PACED_STREAMS }, () => stream(way, "paced", onChunk)));
  return found;
}

const rates: Record<Way, number[]> = { with: [], without: [] };
const delays: Record<Way, number[]> = { with: [], without: [] };
await Promise.all([throughput("with"), throughput("without")]);
for (let round = 0; round < ROUNDS; round++) {
  // Who comes first has no better machine.
  const ways: readonly Way[] = round % 2 === 0 ? ["with", "without"] : ["without", "with"];
  for (const way of ways) rates[way].push(await throughput(way));
  if (round % 3 !== 0) continue;
  for (const way of ways) delays[way].push(...(await latencies(way)));
}
await agent.close();

// Round by round, so that what else the machine does weighs on both alike.
const ratios = rates.with.map((rate, round) => rate / (rates.without[round] ?? rate));
const [delayWith, delayWithout] = [quantile(delays.with, 0.5), quantile(delays.without, 0.5)];
printFigures([
  { name: "events a second, with capture", value: quantile(rates.with, 0.5), unit: "/s", aim: "" },
  { name: "events a second, without", value: quantile(rates.without, 0.5), unit: "/s", aim: "" },
  { name: "throughput lost", value: (1 - quantile(ratios, 0.5)) * 100, unit: "%", aim: "< 5" },
  { name: "event delay p50, with capture", value: delayWith, unit: "ms", aim: "" },
  { name: "event delay p50, without", value: delayWithout, unit: "ms", aim: "" },
  { name: "added to an event, p50", value: delayWith - delayWithout, unit: "ms", aim: "< 0.1" },
]);
