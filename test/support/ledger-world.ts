import type { Usage, UsageRow } from "../../shared/api/index.ts";
import { type CountingBackend, type CountName, startCountingBackend } from "./counting-backend.ts";
import { OPERATOR_KEY, startStack, type TestStack } from "./stack.ts";
import { until } from "./until.ts";

/** A stack between clients and two backends that count for themselves. */
export interface LedgerWorld extends AsyncDisposable {
  readonly stack: TestStack;
  readonly backends: readonly CountingBackend[];
  /** What the ledger says, once it has counted so many calls. */
  ledger(calls: { answers: number; failed: number }, withinMs: number): Promise<Usage>;
}

/** What both sides say of one user and model. */
export interface Account {
  readonly name: string;
  readonly truth: { answers: number; inputTokens: number; outputTokens: number };
  readonly ledger: { answers: number; inputTokens: number; outputTokens: number };
}

export async function startLedgerWorld(
  env: Readonly<Record<string, string>> = {},
): Promise<LedgerWorld> {
  const backends = await Promise.all([
    startCountingBackend("Host1"),
    startCountingBackend("Host2"),
  ]);
  const [first, second] = backends.map(({ origin }) => origin);
  const stack = await startStack({
    env: {
      Host1: `host=${first};mode=direct`,
      Host2: `host=${second};mode=direct`,
      LoadBalanceMode: "roundrobin",
      Workers: "64",
      // Faults are part of the mix: no backend is to be spared for them.
      CBErrorThreshold: "1000000",
      GATEWAY_ROUTING_RETRY_PERCENT: "100",
      ...env,
    },
  });
  return {
    stack,
    backends,
    ledger: ({ answers, failed }, withinMs) =>
      until(
        async () => {
          const usage = await askUsage(stack.url);
          return usage.total.answers >= answers && usage.total.failedAttempts >= failed
            ? usage
            : undefined;
        },
        withinMs,
        `The ledger's count of ${answers} answers`,
      ),
    async [Symbol.asyncDispose]() {
      await stack[Symbol.asyncDispose]();
      await Promise.all(backends.map((backend) => backend[Symbol.asyncDispose]()));
    },
  };
}

export async function askUsage(url: string, query = "group=user,model,provenance&limit=10000") {
  const response = await fetch(`${url}/usage?${query}`, {
    headers: { "x-operator-key": OPERATOR_KEY },
  });
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  return (await response.json()) as Usage;
}

/** How many calls the backends had. */
export function callsOf({ backends }: Pick<LedgerWorld, "backends">, what?: CountName): number {
  const counts = backends.flatMap((backend) => [...backend.counts]);
  const wanted = counts.filter(([key]) => what === undefined || key.startsWith(`${what} `));
  return wanted.reduce((sum, [, { answers }]) => sum + answers, 0);
}

const NOTHING = { answers: 0, inputTokens: 0, outputTokens: 0 };
const LEDGER_NAMES = { reported: "reported", silent: "estimated", left: "partial" } as const;

/** The backends' own count beside the ledger's, by user and model. */
export function accounts(
  { backends }: Pick<LedgerWorld, "backends">,
  { rows }: Usage,
  what: keyof typeof LEDGER_NAMES,
): Account[] {
  const truth = new Map<string, Account["truth"]>();
  for (const [key, count] of backends.flatMap((backend) => [...backend.counts])) {
    if (!key.startsWith(`${what} `)) continue;
    const name = key.slice(what.length + 1);
    truth.set(name, added(truth.get(name) ?? NOTHING, count));
  }
  const counted = new Map<string, Account["ledger"]>();
  for (const row of rows) {
    if (row.provenance !== LEDGER_NAMES[what]) continue;
    const name = `${row.user} ${row.model}`;
    counted.set(name, added(counted.get(name) ?? NOTHING, row));
  }
  const names = [...new Set([...truth.keys(), ...counted.keys()])].sort();
  return names.map((name) => ({
    name,
    truth: truth.get(name) ?? NOTHING,
    ledger: counted.get(name) ?? NOTHING,
  }));
}

type Counts = Pick<UsageRow, "answers" | "inputTokens" | "outputTokens">;

const added = (one: Counts, other: Counts): Counts => ({
  answers: one.answers + other.answers,
  inputTokens: one.inputTokens + other.inputTokens,
  outputTokens: one.outputTokens + other.outputTokens,
});

/** By how much the ledger's tokens are off, at most, of the truth of any of the accounts. */
export function largestError(all: readonly Account[]): number {
  const errors = all.map(({ truth, ledger }) => {
    const [right, told] = [truth, ledger].map((sum) => sum.inputTokens + sum.outputTokens);
    return Math.abs((told ?? 0) - (right ?? 0)) / Math.max(right ?? 0, 1);
  });
  return Math.max(0, ...errors);
}
