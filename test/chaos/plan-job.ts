import { createHash } from "node:crypto";
import { type SeededRandom, seededRandom } from "../../local/replay/seeded-random.ts";

/** How one call to a backend goes wrong. */
export type Fault = "500" | "429" | "reset" | "silence" | "cut";

/** Everything that is decided about a job before the run; the seed and its number determine it. */
export interface PlannedJob {
  readonly number: number;
  /** When its client sends it first, in milliseconds from the start. */
  readonly at: number;
  readonly key: string;
  readonly user: string;
  readonly priorityKey: string | undefined;
  readonly isStream: boolean;
  readonly body: string;
  /** What the calls to the backend come to, one after the other, before one is answered. */
  readonly faults: readonly Fault[];
  readonly answerAfterMs: number;
  readonly answer: { readonly status: number; readonly body: Buffer };
  /** Whether its client throws the first 202 away and sends again, as if the connection had gone. */
  readonly losesAnswer: boolean;
}

const USERS = 5;
// Above and below what fits into a message, which `GATEWAY_MESSAGING_INLINE_BYTES` says.
const LARGE_REQUEST_BYTES = 400_000;
const SMALL_REQUEST_BYTES = 2000;
const LARGE_ANSWER_BYTES = 1_500_000;
const SMALL_ANSWER_BYTES = 4000;
const LARGE_SHARE = 0.06;
const STREAM_SHARE = 0.2;
const REFUSED_SHARE = 0.03;
const FAULTY_SHARE = 0.3;
const MAX_FAULTS = 3;
const LOST_ANSWER_SHARE = 0.15;
const SLOWEST_ANSWER_MS = 400;
const MAX_EVENTS = 40;
// A job's own stream of numbers: neighbouring seeds and numbers have nothing in common.
const SEED_STRIDE = 1_000_003;

const FAULTS: readonly Fault[] = ["500", "500", "429", "429", "reset", "reset", "cut", "silence"];
const PRIORITY_KEYS = [undefined, undefined, "12345", "234"];

/** Plans job `number` of a run that sends its jobs within `overMs`. */
export function planJob(seed: number, number: number, overMs: number): PlannedJob {
  const random = seededRandom(seed * SEED_STRIDE + number);
  const isStream = random() < STREAM_SHARE;
  const isRefused = !isStream && random() < REFUSED_SHARE;
  return {
    number,
    at: random() * overMs,
    key: `chaos-${seed}-${number}`,
    user: `user-${number % USERS}`,
    priorityKey: pick(random, PRIORITY_KEYS),
    isStream,
    body: requestBody(random, number, isStream),
    faults: drawnFaults(random),
    answerAfterMs: random() * SLOWEST_ANSWER_MS,
    answer: isRefused ? refusal(number) : answer(random, number, isStream),
    losesAnswer: random() < LOST_ANSWER_SHARE,
  };
}

function pick<Value>(random: SeededRandom, values: readonly Value[]): Value {
  return values[Math.floor(random() * values.length)] as Value;
}

function drawnFaults(random: SeededRandom): Fault[] {
  if (random() >= FAULTY_SHARE) return [];
  const count = 1 + Math.floor(random() * MAX_FAULTS);
  return Array.from({ length: count }, () => pick(random, FAULTS));
}

function sizeOf(random: SeededRandom, smallBytes: number, largeBytes: number): number {
  return Math.ceil((random() < LARGE_SHARE ? largeBytes : smallBytes) * (0.5 + random() / 2));
}

function requestBody(random: SeededRandom, number: number, isStream: boolean): string {
  const content = text(random, sizeOf(random, SMALL_REQUEST_BYTES, LARGE_REQUEST_BYTES));
  return JSON.stringify({ job: number, ...(isStream ? { stream: true } : {}), content });
}

function answer(random: SeededRandom, job: number, isStream: boolean): PlannedJob["answer"] {
  if (isStream) return { status: 200, body: eventStream(random, job) };
  const content = text(random, sizeOf(random, SMALL_ANSWER_BYTES, LARGE_ANSWER_BYTES));
  return { status: 200, body: Buffer.from(JSON.stringify({ job, content })) };
}

function refusal(job: number): PlannedJob["answer"] {
  return { status: 400, body: Buffer.from(JSON.stringify({ job, error: "refused" })) };
}

function eventStream(random: SeededRandom, job: number): Buffer {
  const count = 2 + Math.floor(random() * MAX_EVENTS);
  const events = Array.from({ length: count }, (_, index) => {
    const delta = { content: text(random, 20) };
    return `data: ${JSON.stringify({ job, choices: [{ index: 0, delta, number: index }] })}\n\n`;
  });
  return Buffer.from(`${events.join("")}data: [DONE]\n\n`);
}

/** Text that nothing else has: a hash, over and over, of a drawn number. */
function text(random: SeededRandom, bytes: number): string {
  const block = createHash("sha512").update(String(random())).digest("base64");
  return block.repeat(Math.ceil(bytes / block.length)).slice(0, bytes);
}
