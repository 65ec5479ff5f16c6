import type { TracingSettings } from "../config/index.ts";
import type { TraceContext } from "../core/trace-context.ts";

/** Whether a trace is recorded that begins here, or comes from a caller. */
export type Sampler = (traceId: string, parent: TraceContext | undefined) => boolean;

// https://www.w3.org/TR/trace-context-2/#randomness-of-trace-id: the last 56 bits are random.
const RANDOM_DIGITS = 14;
const RANDOM_RANGE = 2 ** 56;

/** The samplers of OpenTelemetry, by their standard names. */
export function createSampler({ sampler, sampledShare }: TracingSettings): Sampler {
  const isInShare = (traceId: string): boolean =>
    Number.parseInt(traceId.slice(-RANDOM_DIGITS), 16) < sampledShare * RANDOM_RANGE;
  switch (sampler) {
    case "always_on":
      return () => true;
    case "always_off":
      return () => false;
    case "traceidratio":
      return isInShare;
    case "parentbased_always_on":
      return (_, parent) => parent?.isSampled ?? true;
    case "parentbased_always_off":
      return (_, parent) => parent?.isSampled ?? false;
    case "parentbased_traceidratio":
      return (traceId, parent) => parent?.isSampled ?? isInShare(traceId);
  }
}
