import { performance } from "node:perf_hooks";
import { Agent, request } from "undici";
import { cpuMs, hostPid } from "../support/host-memory.ts";
import { startStack } from "../support/stack.ts";
import { QUICK_EVENTS } from "./capture/orders.ts";
import { startServer } from "./compare/child.ts";
import { type Figure, printFigures, quantile } from "./figures.ts";

/**
 * `npm run bench:capture`: what it costs to read usage from streams. The same bytes come from the backend
 * in three ways, in turn: read by nobody, read for a client who asked for usage, and read for one who did
 * not, so that the gateway asks, and takes out of each event what that put in.
 */
const ROUNDS = 60;
// Short turns: what else the machine does then weighs on neighbours alike.
const STREAMS_A_TURN = 32;
const WARM_UP_TURNS = 12;
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

async function stream(way: Way, model: string, onChunk: (chunk: Buffer) => void): Promise<void> {
  const own = way === "edited" ? {} : { stream_options: { include_usage: true } };
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

async function turn(way: Way): Promise<Round> {
  const cpuBefore = cpuMs(pid);
  const startedAt = performance.now();
  let left = STREAMS_A_TURN;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await stream(way, "quick", () => {});
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  return {
    wall: (performance.now() - startedAt) / STREAMS_A_TURN,
    cpu: (cpuMs(pid) - cpuBefore) / STREAMS_A_TURN,
  };
}

async function medianDelay(way: Way): Promise<number> {
  const found: number[] = [];
  const onChunk = (chunk: Buffer): void => {
    const at = nowMs();
    for (const [, sent] of chunk.toString().matchAll(/"at":([\d.]+)/g))
      found.push(at - Number(sent));
  };
  await Promise.all(Array.from({ length: PACED_STREAMS }, () => stream(way, "paced", onChunk)));
  return quantile(found, 0.5);
}

const mean = (first: Round, second: Round): Round => ({
  wall: (first.wall + second.wall) / 2,
  cpu: (first.cpu + second.cpu) / 2,
});

/** There and back again, so that no way comes earlier or later than another, and each begins equally often. */
async function round(at: number): Promise<Record<Way, Round>> {
  const turns = WAYS.map((_, index) => WAYS[(index + at) % WAYS.length] ?? "unread");
  const there: Partial<Record<Way, Round>> = {};
  for (const way of turns) there[way] = await turn(way);
  const both: Partial<Record<Way, Round>> = {};
  for (const way of turns.reverse()) {
    const back = await turn(way);
    both[way] = mean(there[way] ?? back, back);
  }
  return both as Record<Way, Round>;
}

for (let warmUp = 0; warmUp < WARM_UP_TURNS; warmUp++) for (const way of WAYS) await turn(way);
const rounds: Record<Way, Round>[] = [];
for (let at = 0; at < ROUNDS; at++) rounds.push(await round(at));
const delays: Record<Way, number>[] = [];
for (let at = 0; at < PACED_ROUNDS; at++) {
  const found = { unread: 0, read: 0, edited: 0 };
  const turns = at % 2 === 0 ? WAYS : [...WAYS].reverse();
  for (const way of turns) found[way] = await medianDelay(way);
  delays.push(found);
}
await agent.close();

const median = (values: readonly number[]): number => quantile(values, 0.5);
const MS_PER_SECOND = 1000;

const plain = (way: Way): Figure[] => [
  {
    name: `${way}: events a second`,
    value: (QUICK_EVENTS * MS_PER_SECOND) / median(rounds.map((each) => each[way].wall)),
    unit: "/s",
    aim: "",
  },
  {
    name: `${way}: processor time a stream`,
    value: median(rounds.map((each) => each[way].cpu)),
    unit: "ms",
    aim: "",
  },
  {
    name: `${way}: delay of an event, p50`,
    value: median(delays.map((each) => each[way])),
    unit: "ms",
    aim: "",
  },
];

/** By how many percent a way takes more, round by round: the median, and the half of all rounds around it. */
function added(way: Way, value: keyof Round, name: string): Figure[] {
  const parts = rounds.map((each) => (each[way][value] / each.unread[value] - 1) * 100);
  const at = (part: number): number => quantile(parts, part);
  return [
    { name: `${way}: ${name}`, value: at(0.5), unit: "%", aim: "" },
    { name: `${way}: the same, half of all rounds from`, value: at(0.25), unit: "%", aim: "" },
    { name: `${way}: the same, half of all rounds to`, value: at(0.75), unit: "%", aim: "" },
  ];
}

const lost = (way: Way): Figure[] => [
  ...added(way, "cpu", "processor time added"),
  ...added(way, "wall", "time added to a stream"),
  {
    name: `${way}: throughput lost`,
    value: median(rounds.map((each) => (1 - each.unread.wall / each[way].wall) * 100)),
    unit: "%",
    aim: "< 5",
  },
  {
    name: `${way}: added to an event, p50`,
    value: median(delays.map((each) => each[way] - each.unread)),
    unit: "ms",
    aim: "< 0.1",
  },
];
printFigures([...WAYS.flatMap(plain), ...lost("read"), ...lost("edited")]);
