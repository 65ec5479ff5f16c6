import { systemClock } from "../../shared/core/clock.ts";
import { StartError } from "../service.ts";
import { drawTrace } from "./drawn-trace.ts";
import { checkReachable, connectGateway } from "./gateway.ts";
import { HttpFetch } from "./http-fetch.ts";
import { type ReplayOptions, readOptions, USAGE } from "./options.ts";
import { showProgress } from "./progress.ts";
import { openTrace } from "./read-trace.ts";
import { replay } from "./replay.ts";
import { renderReport } from "./report.ts";
import { Tally } from "./tally.ts";

/** `npm run replay`: sends a trace through the gateway; exit code 1 when anything failed. */
async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options.wantsHelp) {
    console.log(USAGE);
    return 0;
  }
  const http = new HttpFetch();
  // The clock's timers do not keep a process alive, and between two arrivals there may be nothing else.
  const alive = setInterval(() => {}, 60_000);
  try {
    return await run(options, http);
  } finally {
    clearInterval(alive);
    http.close();
  }
}

async function run(options: ReplayOptions, http: HttpFetch): Promise<number> {
  const { trace, seed, limit, showsProgress } = options;
  const rows = trace === undefined ? drawTrace(seed) : await openTrace(trace);
  await checkReachable(options.url, http);
  console.error(headline(options));
  const gateway = connectGateway(options, { clock: systemClock, http });
  const tally = new Tally();
  const hide = showsProgress
    ? showProgress(tally, { output: process.stderr, clock: systemClock, limit })
    : () => {};
  const result = await replay(gateway, { ...options, rows, stop: stopSignal() }, tally).finally(
    hide,
  );
  process.stdout.write(renderReport(result));
  if (result.problem) console.error(result.problem.message);
  return result.problem || tally.failures.length > 0 ? 1 : 0;
}

function headline({ trace, limit, speed, url, seed }: ReplayOptions): string {
  const source = trace ?? "a drawn trace";
  return `Replaying up to ${limit} requests of ${source} at ${speed} times its speed through ${url} (seed ${seed}).`;
}

/** The first Ctrl-C ends the replay and prints what there is; a second one ends the process. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => controller.abort());
  return controller.signal;
}

main().then(
  (exitCode) => {
    process.exitCode = exitCode;
  },
  (error: unknown) => {
    console.error(error instanceof StartError ? error.message : error);
    process.exitCode = 1;
  },
);
