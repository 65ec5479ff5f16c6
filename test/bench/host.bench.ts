import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { startChild } from "../../local/child-service.ts";
import { type Figure, printFigures, quantile } from "./figures.ts";

const APP_DIR = join(import.meta.dirname, "..", "local", "host", "fixtures", "tiny");
const WARM_UP_CALLS = 1500;
const CALLS_PER_ROUND = 2000;
const ROUNDS = 5;

/** Makes that many calls over as many connections as `concurrency`; gives each call's milliseconds. */
async function measure(url: string, concurrency: number, calls: number): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
  const samples: number[] = [];
  let left = calls;
  const lane = async (): Promise<void> => {
    while (left-- > 0) samples.push(await timedCall(url, agent));
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  agent.destroy();
  return samples;
}

function timedCall(url: string, agent: Agent): Promise<number> {
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    get(url, { agent }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`));
      response.resume().once("end", () => resolve(performance.now() - startedAt));
    }).once("error", reject);
  });
}

async function startBareServer(): Promise<{ url: string; stop(): void }> {
  const child = fork(join(import.meta.dirname, "bare-server.ts"));
  const url = await new Promise<string>((resolve) =>
    child.once("message", (text) => resolve(String(text))),
  );
  return { url, stop: () => child.disconnect() };
}

/** Compares the host with node's bare server, round by round in turn: both meet the same machine. */
export async function benchHost(): Promise<Figure[]> {
  const dataDir = mkdtempSync(join(tmpdir(), "bench-host-"));
  const host = await startChild("host", { options: { port: 0, appDir: APP_DIR, dataDir } });
  const bare = await startBareServer();
  const targets = { bare: bare.url, host: `${host.facts.url}/api/tiny` };
  const figures: Figure[] = [];
  try {
    for (const url of Object.values(targets)) await measure(url, 1, WARM_UP_CALLS);
    for (const concurrency of [1, 16]) figures.push(...(await compare(targets, concurrency)));
  } finally {
    bare.stop();
    await host.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
  return figures;
}

async function compare(
  targets: { bare: string; host: string },
  concurrency: number,
): Promise<Figure[]> {
  const samples: Record<keyof typeof targets, number[]> = { bare: [], host: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    samples.bare.push(...(await measure(targets.bare, concurrency, CALLS_PER_ROUND)));
    samples.host.push(...(await measure(targets.host, concurrency, CALLS_PER_ROUND)));
  }
  const at = (name: keyof typeof targets, part: number): number => quantile(samples[name], part);
  const label = `c=${concurrency}`;
  const figure = (name: string, value: number, aim = ""): Figure => ({
    name,
    value,
    unit: "ms",
    aim,
  });
  return [
    figure(`bare node:http p50, ${label}`, at("bare", 0.5)),
    figure(`host p50, ${label}`, at("host", 0.5)),
    figure(`host p99, ${label}`, at("host", 0.99)),
    figure(
      `host added p50, ${label}`,
      at("host", 0.5) - at("bare", 0.5),
      concurrency === 1 ? "<= 0.5 ms" : "",
    ),
  ];
}

if (import.meta.main) printFigures(await benchHost());
