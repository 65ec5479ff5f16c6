import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import type { SeededRandom } from "../../local/replay/seeded-random.ts";
import type { Fault, PlannedJob } from "./plan-job.ts";

/** What reached the backends for one job. */
export interface Calls {
  count: number;
  /** Calls to which the whole right answer was sent. */
  answered: number;
  /** Calls whose body was not the client's. */
  altered: number;
}

/** Backends that know each job's answer, and break as the plan and their own bad days say. */
export interface ChaosBackends extends AsyncDisposable {
  readonly urls: readonly string[];
  readonly calls: ReadonlyMap<number, Calls>;
  /** Calls that met a backend on a bad day. */
  readonly refusedCalls: number;
  /** No more faults: what is left is to be finished. */
  calmDown(): void;
}

const BACKENDS = 2;
const LONGEST_DAY_MS = 12_000;
const LONGEST_BAD_DAY_MS = 2500;
const STREAM_PIECES = 4;
const EVENT_STREAM = { "content-type": "text/event-stream" };
const JSON_BODY = { "content-type": "application/json" };

/** Starts the backends on free ports; they outlive every part of the stack. */
export async function startBackends(
  jobs: readonly PlannedJob[],
  random: SeededRandom,
): Promise<ChaosBackends> {
  const calls = new Map<number, Calls>();
  const calm = new AbortController();
  let refused = 0;
  const servers = await Promise.all(
    Array.from({ length: BACKENDS }, () =>
      listen(async (request, response, isDown) => {
        if (isDown && !calm.signal.aborted) {
          refused += 1;
          response.writeHead(503).end();
          return;
        }
        await serve({ jobs, calls, calm: calm.signal }, request, response);
      }, random),
    ),
  );
  return {
    urls: servers.map(({ url }) => url),
    calls,
    get refusedCalls() {
      return refused;
    },
    calmDown: () => calm.abort(),
    async [Symbol.asyncDispose]() {
      await Promise.all(servers.map(({ close }) => close()));
    },
  };
}

interface World {
  readonly jobs: readonly PlannedJob[];
  readonly calls: Map<number, Calls>;
  readonly calm: AbortSignal;
}

type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  isDown: boolean,
) => Promise<void>;

async function listen(handler: Handler, random: SeededRandom) {
  const over = new AbortController();
  let isDown = false;
  const server = createServer((request, response) => {
    // Their peers are killed by design.
    request.on("error", () => {});
    response.on("error", () => {});
    handler(request, response, isDown).catch(() => response.destroy());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  void badDays(random, over.signal, (down) => {
    isDown = down;
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      over.abort();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function badDays(
  random: SeededRandom,
  signal: AbortSignal,
  turn: (isDown: boolean) => void,
): Promise<void> {
  try {
    for (;;) {
      await pause(random() * LONGEST_DAY_MS, undefined, { signal });
      turn(true);
      await pause(random() * LONGEST_BAD_DAY_MS, undefined, { signal });
      turn(false);
    }
  } catch {
    // Closed.
  }
}

async function serve(world: World, request: IncomingMessage, response: ServerResponse) {
  const number = Number(/^\/answers\/(\d+)$/.exec(request.url ?? "")?.[1]);
  const job = world.jobs[number];
  const body = await buffer(request);
  if (!job) {
    response.writeHead(404).end();
    return;
  }
  const calls = world.calls.get(number) ?? { count: 0, answered: 0, altered: 0 };
  world.calls.set(number, calls);
  const fault = world.calm.aborted ? undefined : job.faults[calls.count];
  calls.count += 1;
  if (digest(body) !== digest(job.body)) calls.altered += 1;
  await pause(job.answerAfterMs);
  if (fault) {
    misbehave(fault, job, response);
    return;
  }
  await answer(job, response);
  calls.answered += 1;
}

function misbehave(fault: Fault, { answer: { body } }: PlannedJob, response: ServerResponse): void {
  switch (fault) {
    case "500":
      response.writeHead(500, JSON_BODY).end('{"error":"broken"}');
      return;
    case "429":
      response.writeHead(429, { ...JSON_BODY, "retry-after": "1" }).end('{"error":"busy"}');
      return;
    case "reset":
      response.destroy();
      return;
    case "cut":
      response.writeHead(200, { ...JSON_BODY, "content-length": body.byteLength });
      response.write(body.subarray(0, body.byteLength / 2), () => response.destroy());
      return;
    case "silence":
      // Its caller has a limit for the first byte, and hangs up.
      return;
  }
}

async function answer(
  { answer: { status, body }, isStream, answerAfterMs }: PlannedJob,
  response: ServerResponse,
): Promise<void> {
  response.writeHead(status, isStream ? EVENT_STREAM : JSON_BODY);
  const pieces = isStream ? STREAM_PIECES : 1;
  const size = Math.ceil(body.byteLength / pieces);
  for (let piece = 0; piece < pieces - 1; piece++) {
    response.write(body.subarray(piece * size, (piece + 1) * size));
    await pause(answerAfterMs / pieces);
  }
  await new Promise<void>((resolve) => {
    response.end(body.subarray((pieces - 1) * size), resolve);
    response.once("close", resolve);
  });
}

const digest = (body: Buffer | string): string => createHash("sha256").update(body).digest("hex");
