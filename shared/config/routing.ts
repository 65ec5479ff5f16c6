import * as z from "zod";
import { type SpillRules, spillRules } from "./spill.ts";
import { choice, integer } from "./values.ts";

const MAX_INT32 = 2_147_483_647;

/** The settings of where a request runs, with their defaults. */
export const routingShape = {
  LoadBalanceMode: choice("latency", "roundrobin", "random").default("latency"),
  IterationMode: choice("SinglePass", "MultiPass").default("SinglePass"),
  MaxAttempts: integer(1, 1000).default(10),
  CBErrorThreshold: integer(1, 1_000_000).default(50),
  CBTimeslice: integer(1, 86_400).default(60),
  PollInterval: integer(100, MAX_INT32).default(15_000),
  PollTimeout: integer(1, MAX_INT32).default(3000),
  SuccessRate: integer(0, 100).default(80),
  GATEWAY_ROUTING_BREAKER_PERCENT: integer(1, 100).default(50),
  GATEWAY_ROUTING_RETRY_PERCENT: integer(0, 100).default(20),
  GATEWAY_ROUTING_SPILL: spillRules.default({ byClass: new Map(), others: { when: "now" } }),
  GATEWAY_ROUTING_AFFINITY_SALT: z.string().optional(),
};

/** How backends are watched, tried again, and spilled to. */
export interface RoutingSettings {
  /** Whether each backend has one turn a request, or goes round while attempts are left. */
  readonly passes: "single" | "multi";
  readonly breaker: {
    /** The failures within the window without which a breaker does not open. */
    readonly minFailures: number;
    /** The part of the calls within the window that must have failed, 0 to 1. */
    readonly failureRate: number;
    /** Length of the window, and how long an open breaker stays open. */
    readonly windowMs: number;
  };
  readonly probe: {
    readonly intervalMs: number;
    readonly timeoutMs: number;
    /** The part of the latest probes that must have succeeded, 0 to 1. */
    readonly successRate: number;
  };
  /** Failed retries that a backend may get, as a part of its successful calls. */
  readonly retryShare: number;
  readonly spill: SpillRules;
  readonly affinitySalt: string;
}

type RawRouting = z.infer<z.ZodObject<typeof routingShape>> & {
  readonly GATEWAY_CREDENTIAL_KEY?: string | undefined;
};

const DEFAULT_AFFINITY_SALT = "simplel7proxy";

/** The routing part of the settings that were read. */
export function toRouting(raw: RawRouting): RoutingSettings {
  return Object.freeze({
    passes: raw.IterationMode === "MultiPass" ? "multi" : "single",
    breaker: {
      minFailures: raw.CBErrorThreshold,
      failureRate: raw.GATEWAY_ROUTING_BREAKER_PERCENT / 100,
      windowMs: raw.CBTimeslice * 1000,
    },
    probe: {
      intervalMs: raw.PollInterval,
      timeoutMs: raw.PollTimeout,
      successRate: raw.SuccessRate / 100,
    },
    retryShare: raw.GATEWAY_ROUTING_RETRY_PERCENT / 100,
    spill: raw.GATEWAY_ROUTING_SPILL,
    affinitySalt: raw.GATEWAY_ROUTING_AFFINITY_SALT ?? defaultSalt(raw),
  });
}

/** A secret where there is one: with a known salt whoever guesses a host's URL could check the guess. */
function defaultSalt({ GATEWAY_CREDENTIAL_KEY: key }: RawRouting): string {
  return key === undefined ? DEFAULT_AFFINITY_SALT : `${DEFAULT_AFFINITY_SALT} ${key}`;
}
