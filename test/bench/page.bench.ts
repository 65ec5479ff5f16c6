import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { findChromium } from "../support/find-chromium.ts";
import { OPERATOR_KEY, startStack } from "../support/stack.ts";
import { type Figure, printFigures, quantile } from "./figures.ts";
import { type BareBrowser, startBareBrowser } from "./page/bare-browser.ts";
import { OpenPage } from "./page/open-page.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const TRACE = join(ROOT, "../shared/data/AzureLLMInferenceTrace_conv.csv");
const PACES = [1, 2, 5];
// Other work on the machine comes and goes: the median of several windows says more than one long one.
const WINDOWS = 5;
const WARM_UP_MS = 5000;
const MAX_REQUESTS = 100_000;

const { values } = parseArgs({
  options: {
    trace: { type: "string", default: TRACE },
    speed: { type: "string", default: "1" },
    seconds: { type: "string", default: "30" },
    shots: { type: "string" },
  },
});

/**
 * Plays the recorded trace through the whole stack as it happened, opens the operator's page beside it, and
 * measures what the page takes of a processor at each of its paces.
 */
await using stack = await startStack();
const path = findChromium();
if (path === undefined) throw new Error("There is no Chromium: set CHROMIUM to its path.");
const replay = startReplay(stack.url);
try {
  await using browser = await startBareBrowser(path);
  const page = new OpenPage(browser);
  await page.enter(stack.url, OPERATOR_KEY);
  await browser.page("Performance.enable", { timeDomain: "threadTicks" });
  const figures: Figure[] = [];
  for (const pace of PACES) figures.push(...(await measure(browser, page, pace)));
  printFigures(figures);
  if (values.shots !== undefined) await shoot(page, values.shots);
} finally {
  replay.kill("SIGINT");
}

function startReplay(url: string): ChildProcess {
  const isThere = existsSync(values.trace);
  console.log(`trace: ${isThere ? values.trace : "drawn, there is no recorded one"}`);
  const trace = isThere ? ["--trace", values.trace] : [];
  const args = ["--url", url, "--speed", values.speed, "--limit", String(MAX_REQUESTS)];
  const main = join(ROOT, "local/replay/main.ts");
  return spawn(process.execPath, [main, ...args, ...trace, "--no-progress"], { stdio: "ignore" });
}

/** What the page has taken so far: its own thread, its process, and all of the browser's processes. */
interface Taken {
  readonly atMs: number;
  readonly threadS: number;
  readonly processS: number;
  readonly browserS: number;
}

async function measure(browser: BareBrowser, page: OpenPage, pace: number): Promise<Figure[]> {
  await page.setPace(pace);
  await pause(WARM_UP_MS);
  await page.countAnew();
  const points = [await taken(browser)];
  for (let window = 0; window < WINDOWS; window++) {
    await pause((Number(values.seconds) * 1000) / WINDOWS);
    points.push(await taken(browser));
  }
  const [first, last] = [points[0]?.atMs ?? 0, points.at(-1)?.atMs ?? 0];
  const updates = (1000 * (await page.updates())) / (last - first);
  const part = (of: (each: Taken) => number): number => quantile(partsOf(points, of), 0.5);
  const name = (what: string): string => `at ${pace} a second: ${what}`;
  const unit = "% of a core";
  return [
    { name: name("updates a second"), value: updates, unit: "", aim: "<= 10" },
    { name: name("the page's thread"), value: part((t) => t.threadS), unit, aim: "< 2" },
    { name: name("its process"), value: part((t) => t.processS), unit, aim: "" },
    { name: name("the whole browser"), value: part((t) => t.browserS), unit, aim: "" },
  ];
}

/** What each window took, in percent of its time. */
function partsOf(points: readonly Taken[], of: (each: Taken) => number): number[] {
  return points.slice(1).map((after, at) => {
    const before = points[at] ?? after;
    return (100_000 * (of(after) - of(before))) / (after.atMs - before.atMs);
  });
}

interface Measured {
  readonly metrics: readonly { readonly name: string; readonly value: number }[];
}
interface Processes {
  readonly processInfo: readonly { readonly type: string; readonly cpuTime: number }[];
}

async function taken({ page, whole }: BareBrowser): Promise<Taken> {
  const { metrics } = await page<Measured>("Performance.getMetrics");
  const { processInfo } = await whole<Processes>("SystemInfo.getProcessInfo");
  const sum = (all: Processes["processInfo"]): number =>
    all.reduce((seconds, { cpuTime }) => seconds + cpuTime, 0);
  return {
    atMs: performance.now(),
    threadS: metrics.find(({ name }) => name === "TaskDuration")?.value ?? Number.NaN,
    processS: sum(processInfo.filter(({ type }) => type === "renderer")),
    browserS: sum(processInfo),
  };
}

async function shoot(page: OpenPage, folder: string): Promise<void> {
  await page.shoot(join(folder, "light.png"), { width: 1400, isDark: false });
  await page.shoot(join(folder, "dark.png"), { width: 1400, isDark: true });
  await page.shoot(join(folder, "narrow.png"), { width: 400, isDark: false });
}
