import { StartError } from "../service.ts";
import type { Used } from "./compare-use.ts";
import type { Span } from "./log-reader.ts";

interface Page {
  readonly rows: readonly Used[];
  readonly continuation?: string;
}

/** A gateway, and the key with which its operators ask it. */
export interface Ledger {
  readonly url: string;
  readonly operatorKey: string;
}

const PAGE_ROWS = 10_000;
const PAGE_LIMIT_MS = 120_000;

/** Asks a gateway's ledger what everybody used, by user and model. */
export async function askLedger({ url, operatorKey }: Ledger, span: Span): Promise<Used[]> {
  const rows: Used[] = [];
  for (let behind: string | undefined = ""; behind !== undefined; ) {
    const query = new URLSearchParams({
      from: new Date(span.fromAt).toISOString(),
      to: new Date(span.beforeAt).toISOString(),
      group: "user,model",
      limit: String(PAGE_ROWS),
      ...(behind === "" ? {} : { continuation: behind }),
    });
    const response = await fetch(`${url}/usage?${query}`, {
      headers: { "x-operator-key": operatorKey },
      signal: AbortSignal.timeout(PAGE_LIMIT_MS),
    });
    if (!response.ok) throw new StartError(`The ledger answered ${response.status}.`);
    const page = (await response.json()) as Page;
    rows.push(...page.rows);
    behind = page.continuation;
  }
  return rows;
}
