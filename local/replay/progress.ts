import type { Cancel, Clock } from "../../shared/core/clock.ts";
import type { Tally } from "./tally.ts";

/** Where a replay stands. */
export interface ProgressFacts {
  readonly sent: number;
  readonly answered: number;
  readonly failed: number;
  readonly limit: number;
  readonly elapsedMs: number;
}

/** What progress is written to: `process.stderr`, or a test's own. */
export interface ProgressOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const BAR_CHARACTERS = 24;
const TERMINAL_INTERVAL_MS = 200;
const PLAIN_INTERVAL_MS = 5000;
const DEFAULT_COLUMNS = 80;
const ERASE_LINE = "\r\u001b[2K";

/** The counts in words. */
export function progressText({ sent, answered, failed, elapsedMs }: ProgressFacts): string {
  const waiting = sent - answered - failed;
  const seconds = (elapsedMs / 1000).toFixed(1);
  return `${sent} sent, ${answered} answered, ${failed} failed, ${waiting} in flight, ${seconds} s`;
}

/** The counts behind a bar that shows how many of the limit's requests have ended, cut to the terminal. */
export function progressBar(facts: ProgressFacts, columns = DEFAULT_COLUMNS): string {
  const share = Math.min(1, (facts.answered + facts.failed) / facts.limit);
  const full = Math.round(share * BAR_CHARACTERS);
  const bar = `[${"#".repeat(full)}${".".repeat(BAR_CHARACTERS - full)}]`;
  return `${bar} ${progressText(facts)}`.slice(0, Math.max(0, columns - 1));
}

export interface ProgressOptions {
  readonly output: ProgressOutput;
  readonly clock: Clock;
  readonly limit: number;
}

/** Shows a replay's progress until the returned function is called: a bar on a terminal, else plain lines. */
export function showProgress(tally: Tally, { output, clock, limit }: ProgressOptions): () => void {
  const startedAt = clock.now();
  const intervalMs = output.isTTY ? TERMINAL_INTERVAL_MS : PLAIN_INTERVAL_MS;
  let cancel: Cancel = () => {};
  const show = (): void => {
    const facts = { ...tally.counts, limit, elapsedMs: clock.now() - startedAt };
    output.write(
      output.isTTY
        ? `${ERASE_LINE}${progressBar(facts, output.columns)}`
        : `${progressText(facts)}\n`,
    );
  };
  const arm = (): void => {
    cancel = clock.schedule(intervalMs, () => {
      show();
      arm();
    });
  };
  arm();
  return () => {
    cancel();
    if (output.isTTY) output.write(ERASE_LINE);
  };
}
