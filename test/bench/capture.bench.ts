import { performance } from "node:perf_hooks";
import { Agent, request } from "undici";
import { cpuMs, hostPid } from "../support/host-memory.ts";
import { startStack } from "../support/stack.ts";
import { EVENTS, type Shape } from "./capture/orders.ts";
import { startServer } from "./compare/child.ts";
import { type Figure, printFigures, quantile } from "./figures.ts";

/**
 * `npm run bench:capture`: what it costs to read usage from streams. The same bytes come from the backend
 * in three ways, in turn: read by nobody, read for a client who asked for usage, and read for one who did
 * not, so that the gateway asks, and takes out of each event what that put in. They come event by event,
 * as models send them, and all at once, where there is the least besides to be paid for; and short
 * answers of JSON, of which there is no third way.
 */
const ROUNDS = 60;
const MEASURED = ["single", "quick", "whole"] as const satisfies readonly Shape[];
type Measured = (typeof MEASURED)[number];
// Short turns: what else the machine does then weighs on neighbours alike.
const STREAMS_A_TURN: Record<Measured, number> = { single: 16, quick: 32, whole: 64 };
// Until the code of each way is compiled: some ten thousand streams at once.
const WARM_UP_TURNS: Record<Measured, number> = { single: 60, quick: 240, whole: 120 };
const PARALLEL = 8;
const PACED_ROUNDS = 16;
const PACED_STREAMS = 10;
const WAYS = ["unread", "read", "edited"] as const;
type Way = (typeof WAYS)[number];

interface Round {
  /** What a stream takes, in milliseconds, with as many at once as are. */
  readonly wall: number;
  /** Processor time of the gateway's process a stream, all threads. */
  readonly cpu: number;
}

const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;
using backend = await startServer("../capture/backend.ts");
const origin = `http://127.0.0.1:${backend.port}`;
await using stack = await startStack({
  env: {
    Host1: `host=${origin};path=/unread;mode=direct;processor=Inline`,
    Host2: `host=${origin};path=/read;mode=direct`,
    Host3: `host=${origin};path=/edited;mode=direct`,
    GATEWAY_SYNC_MODE: "direct",
    Workers: "64",
  },
});
const pid = hostPid(stack);
const agent = new Agent({ connections: 2 * PACED_STREAMS });

async function stream(way: Way, model: Shape, onChunk: (chunk: Buffer) => void): Promise<void> {
  const own = way === "edited" ? {} : { stream_options: { include_usage: true } };
  const { statusCode, body } = await request(`${stack.url}/${way}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", "X-UserID": "bench" },
    body: JSON.stringify({
      model,
      ...(model === "whole" ? {} : { stream: true, ...own }),
      messages: [{ role: "user", content: "Hi" }],
    }),
    dispatcher: agent,
  });
  if (statusCode !== 200) throw new Error(`The status was ${statusCode}.`);
  for await (const chunk of body) onChunk(chunk as Buffer);
}

async function turn(way: Way, shape: Measured): Promise<Round> {
  const cpuBefore = cpuMs(pid);
  const startedAt = performance.now();
  let left = STREAMS_A_TURN[shape];
  const worker = async (): Promise<void> => {
    while (left-- > 0) await stream(way, shape, () => {});
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  return {
    wall: (performance.now() - startedAt) / STREAMS_A_TURN[shape],
    cpu: (cpuMs(pid) - cpuBefore) / STREAMS_A_TURN[shape],
  };
}

async function medianDelay(way: Way): Promise<number> {
  const waited: number[] = [];
  const onChunk = (chunk: Buffer): void => {
    const at = nowMs();
    for (const [, sent] of chunk.toString().matchAll(/"at":([\d.]+)/g))
      waited.push(at - Number(sent));
  };
  await Promise.all(Array.from({ length: PACED_STREAMS }, () => stream(way, "paced", onChunk)));
  return quantile(waited, 0.5);
}

const mean = (first: Round, second: Round): Round => ({
  wall: (first.wall + second.wall) / 2,
  cpu: (first.cpu + second.cpu) / 2,
});

/** There and back again, so that no way comes earlier or later than another, and each begins equally often. */
async function round(at: number, shape: Measured): Promise<Record<Way, Round>> {
  const turns = WAYS.map((_, index) => WAYS[(index + at) % WAYS.length] ?? "unread");
  const there: Partial<Record<Way, Round>> = {};
  for (const way of turns) there[way] = await turn(way, shape);
  const both: Partial<Record<Way, Round>> = {};
  for (const way of turns.reverse()) {
    const back = await turn(way, shape);
    both[way] = mean(there[way] ?? back, back);
  }
  return both as Record<Way, Round>;
}

async function roundsOf(shape: Measured): Promise<Record<Way, Round>[]> {
  const rounds: Record<Way, Round>[] = [];
  for (let at = 0; at < ROUNDS; at++) rounds.push(await round(at, shape));
  return rounds;
}

for (const shape of MEASURED) {
  for (let at = 0; at < WARM_UP_TURNS[shape]; at++) for (const way of WAYS) await turn(way, shape);
}
const found = {
  single: await roundsOf("single"),
  quick: await roundsOf("quick"),
  whole: await roundsOf("whole"),
};
const delays: Record<Way, number>[] = [];
for (let at = 0; at < PACED_ROUNDS; at++) {
  const middle = { unread: 0, read: 0, edited: 0 };
  const turns = at % 2 === 0 ? WAYS : [...WAYS].reverse();
  for (const way of turns) middle[way] = await medianDelay(way);
  delays.push(middle);
}
await agent.close();

const median = (values: readonly number[]): number => quantile(values, 0.5);
const MS_PER_SECOND = 1000;

const COMES: Record<Measured, string> = {
  single: "event by event",
  quick: "all at once",
  whole: "JSON",
};

const plain = (shape: Measured, way: Way): Figure[] => [
  {
    name: `${COMES[shape]}, ${way}: events a second`,
    value: (EVENTS[shape] * MS_PER_SECOND) / median(found[shape].map((each) => each[way].wall)),
    unit: "/s",
    aim: "",
  },
  {
    name: `${COMES[shape]}, ${way}: processor time a stream`,
    value: median(found[shape].map((each) => each[way].cpu)),
    unit: "ms",
    aim: "",
  },
];

/** By how many percent a way takes more, round by round: the median, and the half of all rounds around it. */
function added(shape: Measured, way: Way, value: keyof Round): Figure[] {
  const parts = found[shape].map((each) => (each[way][value] / each.unread[value] - 1) * 100);
  const [from, middle, to] = [0.25, 0.5, 0.75].map((part) => quantile(parts, part).toFixed(1));
  const what = value === "cpu" ? "processor time added" : "time added to a stream";
  const name = `${COMES[shape]}, ${way}: ${what} (half of all rounds: ${from} to ${to})`;
  return [{ name, value: Number(middle), unit: "%", aim: "" }];
}

const lost = (shape: Measured, way: Way): Figure[] => [
  ...added(shape, way, "cpu"),
  ...added(shape, way, "wall"),
  {
    name: `${COMES[shape]}, ${way}: throughput lost`,
    value: median(found[shape].map((each) => (1 - each.unread.wall / each[way].wall) * 100)),
    unit: "%",
    aim: "< 5",
  },
];

const delayed = (way: Way): Figure[] => [
  {
    name: `${way}: delay of an event, p50`,
    value: median(delays.map((each) => each[way])),
    unit: "ms",
    aim: "",
  },
  ...(way === "unread"
    ? []
    : [
        {
          name: `${way}: added to an event, p50`,
          value: median(delays.map((each) => each[way] - each.unread)),
          unit: "ms",
          aim: "< 0.1",
        },
      ]),
];

// Of JSON there is nothing to be taken out.
const CAPTURED: Record<Measured, readonly Way[]> = {
  single: ["read", "edited"],
  quick: ["read", "edited"],
  whole: ["read"],
};
printFigures([
  ...MEASURED.flatMap((shape) => WAYS.flatMap((way) => plain(shape, way))),
  ...MEASURED.flatMap((shape) => CAPTURED[shape].flatMap((way) => lost(shape, way))),
  ...WAYS.flatMap(delayed),
]);
