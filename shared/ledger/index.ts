export {
  addCounts,
  type LedgerCounts,
  type LedgerFacts,
  type LedgerRow,
  NO_COUNTS,
} from "./ledger-row.ts";
export type { LedgerEntity, LedgerRange, LedgerTable, RowChange } from "./ledger-table.ts";
export type { ToldUsage } from "./portions.ts";
export { type CostOf, createCostOf, type Price } from "./price.ts";
export { type LedgerSpan, UsageLedger } from "./usage-ledger.ts";
export {
  fromUsageMessage,
  type TimedUsage,
  toUsageMessages,
  type UsageMessage,
} from "./usage-message.ts";
export { type OutboxState, UsageOutbox } from "./usage-outbox.ts";
export { compared, type UsageGroup, type UsageSum, UsageSummary } from "./usage-summary.ts";
