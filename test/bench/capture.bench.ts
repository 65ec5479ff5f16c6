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
const ROUNDS = 16;
const STREAMS_A_ROUND = 200;
const PARALLEL = 8;
const PACED_STREAMS = 10;
const WAYS = ["unread", "read", "edited"] as const;
type Way = (typeof WAYS)[number];

interface Round {
  /** Events a second. */
  readonly rate: number;
  /** Processor time of the gateway's process a stream. */
  readonly cpu: number;
  /** From the backend to the client, the median of the paced events, in milliseconds. */
  readonly delay: number;
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

async function throughput(way: Way): Promise<Pick<Round, "rate" | "cpu">> {
  const cpuBefore = cpuMs(pid);
  const startedAt = performance.now();
  let left = STREAMS_A_ROUND;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await stream(way, "quick", () => {});
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  const seconds = (performance.now() - startedAt) / 1000;
  return {
    rate: (STREAMS_A_ROUND * QUICK_EVENTS) / seconds,
    cpu: (cpuMs(pid) - cpuBefore) / STREAMS_A_ROUND,
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

const rounds: Record<Way, Round[]> = { unread: [], read: [], edited: [] };
for (let warmUp = 0; warmUp < 3; warmUp++) for (const way of WAYS) await throughput(way);
for (let round = 0; round < ROUNDS; round++) {
  // Who comes first has no better machine.
  const turns = round % 2 === 0 ? WAYS : [...WAYS].reverse();
  const rates = new Map<Way, Pick<Round, "rate" | "cpu">>();
  for (const way of turns) rates.set(way, await throughput(way));
  for (const way of turns) {
    const { rate = 0, cpu = 0 } = rates.get(way) ?? {};
    rounds[way].push({ rate, cpu, delay: await medianDelay(way) });
  }
}
await agent.close();

const median = (way: Way, value: keyof Round): number =>
  quantile(
    rounds[way].map((round) => round[value]),
    0.5,
  );

/** Round by round, so that what else the machine does weighs on all alike. */
const compared = (way: Way, compare: (own: Round, unread: Round) => number): number =>
  quantile(
    rounds[way].flatMap((own, at) => {
      const unread = rounds.unread[at];
      return unread ? [compare(own, unread)] : [];
    }),
    0.5,
  );

const plain = (way: Way): Figure[] => [
  { name: `${way}: events a second`, value: median(way, "rate"), unit: "/s", aim: "" },
  { name: `${way}: processor time a stream`, value: median(way, "cpu"), unit: "ms", aim: "" },
  { name: `${way}: delay of an event, p50`, value: median(way, "delay"), unit: "ms", aim: "" },
];
const lost = (way: Way): Figure[] => [
  {
    name: `${way}: processor time added`,
    value: compared(way, (own, unread) => (own.cpu / unread.cpu - 1) * 100),
    unit: "%",
    aim: "",
  },
  {
    name: `${way}: throughput lost`,
    value: compared(way, (own, unread) => (1 - own.rate / unread.rate) * 100),
    unit: "%",
    aim: "< 5",
  },
  {
    name: `${way}: added to an event, p50`,
    value: compared(way, (own, unread) => own.delay - unread.delay),
    unit: "ms",
    aim: "< 0.1",
  },
];
printFigures([...WAYS.flatMap(plain), ...lost("read"), ...lost("edited")]);
