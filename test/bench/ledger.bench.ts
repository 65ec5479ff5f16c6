import { performance } from "node:perf_hooks";
import { compareUse } from "../../local/reconcile/compare-use.ts";
import { LogReader } from "../../local/reconcile/log-reader.ts";
import { accounts, callsOf, largestError, startLedgerWorld } from "../support/ledger-world.ts";
import { sendAll } from "../support/mixed-requests.ts";
import { printFigures } from "./figures.ts";

const REQUESTS = Number(process.argv[2] ?? 10_000);
const PARALLEL = 32;
const WITHIN_MS = 120_000;

/**
 * Sends a mix of requests through the whole stack to backends that count for themselves, and holds the
 * ledger against their count.
 */
await using world = await startLedgerWorld({ LOG_LEVEL: "Information" });
const startedAt = performance.now();
const statuses = await sendAll(world.stack.url, { from: 0, count: REQUESTS, parallel: PARALLEL });
const sentS = (performance.now() - startedAt) / 1000;
// One whose backends both fail or rest is answered with an error, and has no answer of a model's.
const answers = statuses.get(200) ?? 0;
const failed = callsOf(world, "failed");
const usage = await world.ledger({ answers, failed }, WITHIN_MS);
const countedS = (performance.now() - startedAt) / 1000;

const sumOf = (side: "truth" | "ledger", all: ReturnType<typeof accounts>): number =>
  all.reduce((sum, each) => sum + each[side].inputTokens + each[side].outputTokens, 0);
const [reported, silent, left] = [
  accounts(world, usage, "reported"),
  accounts(world, usage, "silent"),
  accounts(world, usage, "left"),
];
const log = new LogReader({ fromAt: 0, beforeAt: Number.POSITIVE_INFINITY });
for (const line of world.stack.output().split("\n")) log.read(line);
const ledger = [...reported, ...silent, ...left].map(({ name, ledger: sum }) => {
  const [user = "", model = ""] = name.split(" ");
  const totalTokens = sum.inputTokens + sum.outputTokens;
  return { user, model, answers: sum.answers, totalTokens };
});
const differences = compareUse(ledger, log.uses).filter(({ error }) => error !== 0);

console.log(
  `${REQUESTS} requests, sent in ${sentS.toFixed(1)} s, all counted after ${countedS.toFixed(1)} s`,
);
console.log(
  `statuses: ${[...statuses].map(([status, count]) => `${count} x ${status}`).join(", ")}`,
);
printFigures([
  { name: "answers in the ledger", value: usage.total.answers, unit: "", aim: `= ${answers}` },
  {
    name: "failed attempts, apart",
    value: usage.total.failedAttempts,
    unit: "",
    aim: `>= ${failed}`,
  },
  {
    name: "reported tokens in the ledger",
    value: sumOf("ledger", reported),
    unit: "",
    aim: `= ${sumOf("truth", reported)}`,
  },
  { name: "largest error, reported", value: largestError(reported) * 100, unit: "%", aim: "= 0" },
  { name: "largest error, estimated", value: largestError(silent) * 100, unit: "%", aim: "< 5" },
  { name: "largest error, in part", value: largestError(left) * 100, unit: "%", aim: "< 5" },
  { name: "differences from the event log", value: differences.length, unit: "", aim: "= 0" },
]);
