export { type LedgerRow, NO_COUNTS } from "./ledger-row.ts";
export type { LedgerTable } from "./ledger-table.ts";
export type { ToldUsage } from "./portions.ts";
export { createCostOf } from "./price.ts";
export { UsageLedger } from "./usage-ledger.ts";
export { fromUsageMessage, toUsageMessages } from "./usage-message.ts";
export { UsageOutbox } from "./usage-outbox.ts";
export { compared, type UsageSum, UsageSummary } from "./usage-summary.ts";
