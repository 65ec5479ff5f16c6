import { RECORDED_DIALECTS } from "./recorded-dialects.ts";
import { RECORDED_DOCUMENTS } from "./recorded-documents.ts";
import type { RecordedAnswer } from "./recorded-shapes.ts";
import { RECORDED_STREAMS } from "./recorded-streams.ts";
import { RECORDED_TIERS } from "./recorded-tiers.ts";

/** Answers in the shapes that providers document, with their traps. */
export const RECORDED_ANSWERS: readonly RecordedAnswer[] = [
  ...RECORDED_DOCUMENTS,
  ...RECORDED_STREAMS,
  ...RECORDED_DIALECTS,
  ...RECORDED_TIERS,
];
