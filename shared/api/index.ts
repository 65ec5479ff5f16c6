export { parseDeadLetterBulk, parseDeadLetterQuery } from "./dead-letter-query.ts";
export { type JobListQuery, parseJobListQuery, parseJobPatch } from "./job-query.ts";
export type { AcceptedJob, JobList, JobView } from "./job-schemas.ts";
export { openApiDocument } from "./openapi.ts";
export { parseUsageQuery, type UsageQuery } from "./usage-query.ts";
export type { Usage, UsageRow } from "./usage-schemas.ts";
