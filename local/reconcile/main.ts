import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { readCommandLine } from "../command-line.ts";
import { renderTable } from "../replay/table.ts";
import { StartError } from "../service.ts";
import { askLedger } from "./ask-ledger.ts";
import { compareUse, type Difference } from "./compare-use.ts";
import { LogReader, type Span } from "./log-reader.ts";

const ARGUMENTS = {
  from: { type: "string" },
  to: { type: "string" },
  url: { type: "string", default: "http://127.0.0.1:7071" },
  key: { type: "string", default: process.env["OPERATOR_KEY"] ?? "" },
  all: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

const USAGE = `Usage: npm run reconcile -- --from TIME --to TIME [options] [FILE...]

Compares what the ledger counted with the event log (JSON lines; standard input without a file),
and prints by user and model by how much they differ. Ends with 1 where they do.

  --from TIME   the first hour, such as 2026-11-22 or 2026-11-22T09:00:00Z
  --to TIME     the end, not included
  --url URL     the gateway (http://127.0.0.1:7071)
  --key KEY     an operator's key (or the variable OPERATOR_KEY)
  --all         prints those without a difference too`;

const HOUR_MS = 3_600_000;
const HEADER = ["user", "model", "ledger", "log", "answers", "in log", "error"];

async function main(): Promise<number> {
  const { values, positionals } = readCommandLine(
    { allowPositionals: true, options: ARGUMENTS },
    USAGE,
  );
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const span = { fromAt: timeOf("from", values.from), beforeAt: timeOf("to", values.to) };
  const log = await readLogs(positionals, span);
  const ledger = await askLedger({ url: values.url, operatorKey: values.key }, span);
  const differences = compareUse(ledger, log.uses);
  const wrong = differences.filter(({ error }) => error !== 0);
  console.log(
    renderTable(
      HEADER,
      [...(values.all ? differences : wrong).map(cellsOf), total(differences)],
      2,
    ),
  );
  return wrong.length === 0 ? 0 : 1;
}

/** The ledger counts by the hour: what is less cannot be told apart. */
function timeOf(name: string, text: string | undefined): number {
  const atMs = Date.parse(text ?? "");
  const given = text === undefined ? "such as 2026-11-22T09:00:00Z" : `and "${text}" is none`;
  if (Number.isNaN(atMs)) throw new StartError(`--${name} needs a time, ${given}.\n\n${USAGE}`);
  if (atMs % HOUR_MS !== 0) throw new StartError(`--${name} must be on the hour.`);
  return atMs;
}

async function readLogs(files: readonly string[], span: Span): Promise<LogReader> {
  const reader = new LogReader(span);
  const inputs = files.length === 0 ? [process.stdin] : files.map((file) => createReadStream(file));
  for (const input of inputs) {
    for await (const line of createInterface({ input })) reader.read(line);
  }
  return reader;
}

const cellsOf = ({ user, model, ledger, log, error }: Difference): string[] => [
  // A user's name may be made of several lines.
  JSON.stringify(user).slice(1, -1),
  model,
  ...[ledger.totalTokens, log.totalTokens, ledger.answers, log.answers].map(String),
  `${(error * 100).toFixed(2)} %`,
];

function total(differences: readonly Difference[]): string[] {
  const sum = (of: (difference: Difference) => number): number =>
    differences.reduce((all, difference) => all + of(difference), 0);
  const [ledger, log] = [sum((d) => d.ledger.totalTokens), sum((d) => d.log.totalTokens)];
  const error = ledger === log ? 0 : (ledger - log) / Math.max(log, 1);
  const answers = [sum((d) => d.ledger.answers), sum((d) => d.log.answers)];
  return ["all", "", ...[ledger, log, ...answers].map(String), `${(error * 100).toFixed(2)} %`];
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof StartError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
