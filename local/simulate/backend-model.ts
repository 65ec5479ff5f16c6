import * as z from "zod";
import type { HostSettings } from "../../shared/config/index.ts";
import type { BackendId } from "../../shared/core/domain.ts";
import { StartError } from "../service.ts";

/** What becomes of the calls of an outage: a 503, no connection, or no answer at all. */
const OUTAGE_KINDS = ["errors", "refused", "silence"] as const;

const MAX_RATE = 1_000_000_000;
const rate = z.number().min(0).max(MAX_RATE);

const outageSchema = z
  .strictObject({
    /** Seconds after the first arrival. */
    fromSeconds: rate,
    toSeconds: rate,
    as: z.enum(OUTAGE_KINDS).default("errors"),
  })
  .refine(({ fromSeconds, toSeconds }) => fromSeconds < toSeconds, {
    error: "an outage must end after it begins",
  });

const modelShape = {
  tokensPerMinute: rate.positive().optional(),
  burstSeconds: rate.positive(),
  outputWeight: rate,
  concurrency: z.int().min(1).max(MAX_RATE).optional(),
  retryAfterMs: z.int().min(1).max(MAX_RATE),
  firstTokenMs: rate,
  promptTokensPerSecond: rate.positive(),
  tokensPerSecond: rate.positive(),
  slowdown: rate,
  jitter: z.number().min(0).max(1),
  failureRate: z.number().min(0).max(1),
  outages: z.array(outageSchema),
  pricePerHour: rate,
  promptPrice: rate,
  outputPrice: rate,
};

const patchSchema = z.strictObject(modelShape).partial();
const fileSchema = z.record(z.string(), patchSchema);

/** How one modelled backend behaves. docs/simulate.md says what each field means. */
export type BackendModel = Readonly<z.infer<z.ZodObject<typeof modelShape>>>;

/** What a file says about the backends, by the number of the host (`Host1`). */
export type BackendPatches = Readonly<z.infer<typeof fileSchema>>;

/** Paid by use: takes what comes. The prices are about those of a large model, for 1,000 tokens. */
export const PAID_BY_USE: BackendModel = {
  burstSeconds: 60,
  outputWeight: 1,
  retryAfterMs: 1000,
  firstTokenMs: 300,
  promptTokensPerSecond: 10_000,
  tokensPerSecond: 60,
  slowdown: 1,
  jitter: 0.1,
  failureRate: 0,
  outages: [],
  pricePerHour: 0,
  promptPrice: 0.0025,
  outputPrice: 0.01,
};

/** Provisioned throughput: so many tokens a minute for a fixed price, whether used or not. */
export const FIXED_CAPACITY: BackendModel = {
  ...PAID_BY_USE,
  tokensPerMinute: 500_000,
  outputWeight: 4,
  tokensPerSecond: 80,
  pricePerHour: 70,
  promptPrice: 0,
  outputPrice: 0,
};

/** Reads a file of models; everything that is wrong with it is named at once. */
export function parseBackends(value: unknown, name: string): BackendPatches {
  const parsed = fileSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new StartError(`${name} describes no backends:\n- ${problems.join("\n- ")}`);
}

/**
 * The model of each host: the file's, over the defaults of its tier. The first tier is fixed capacity
 * where there is another one behind it; what stands alone is paid by use.
 */
export function modelsFor(
  hosts: readonly HostSettings[],
  patches: BackendPatches,
): ReadonlyMap<BackendId, BackendModel> {
  const unknown = Object.keys(patches).filter((id) => !hosts.some((host) => host.id === id));
  if (unknown.length > 0) {
    const known = hosts.map(({ id }) => id).join(", ");
    throw new StartError(`The settings have no ${unknown.join(", ")}; their hosts are ${known}.`);
  }
  const tiers = hosts.map(({ tier }) => tier);
  const [first, last] = [Math.min(...tiers), Math.max(...tiers)];
  return new Map(
    hosts.map(({ id, tier }) => {
      const base = tier === first && tier < last ? FIXED_CAPACITY : PAID_BY_USE;
      return [id, { ...base, ...present(patches[id] ?? {}) }];
    }),
  );
}

/** Without what is undefined, which would otherwise take a default's place. */
function present(patch: BackendPatches[string]): Partial<BackendModel> {
  return Object.fromEntries(
    Object.entries(patch).filter(([, value]) => value !== undefined),
  ) as Partial<BackendModel>;
}
