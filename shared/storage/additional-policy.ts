import type { TableServiceClientOptions } from "@azure/data-tables";

/** What a table's client does with each call beside what its library does. */
export type AdditionalPolicy = NonNullable<TableServiceClientOptions["additionalPolicies"]>[number];
