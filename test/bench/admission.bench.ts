import { performance } from "node:perf_hooks";
import { admit, compileValidationRules, validate } from "../../shared/admission/index.ts";
import { loadSettings } from "../../shared/config/index.ts";
import type { HeaderList } from "../../shared/core/headers.ts";
import {
  createIdentitySnapshot,
  identifyCaller,
  type ParsedDocument,
  type ProfileDirectory,
  parseAppIds,
  parseProfilesInSteps,
  parseSuspendedUsers,
} from "../../shared/identity/index.ts";
import { type Figure, printFigures, quantile } from "./figures.ts";

const PROFILES = 10_000;
const WARM_UP_REQUESTS = 20_000;
const REQUESTS = 200_000;

function readable<Value>(parsed: ParsedDocument<Value>): Value {
  if (!parsed.ok) throw new Error(parsed.problems.join("\n"));
  return parsed.value;
}

/** As many fields as the profiles of the original's own examples have. */
function profilesDocument(): string {
  const fields = Array.from({ length: 12 }, (_, n) => [`x_profile_field_${n}`, `value ${n}`]);
  return JSON.stringify(
    Array.from({ length: PROFILES }, (_, n) => ({
      userId: `user-${n}`,
      S7PPriorityKey: "hi",
      Models: "gpt-4o,gpt-4-turbo,gpt-5*",
      "async-config": `enabled=true, containername=user-${n}, topic=status-${n}`,
      "limit-requests-per-minute": 600,
      ...Object.fromEntries(fields),
    })),
  );
}

function clientHeaders(user: number): HeaderList {
  return [
    ["Host", "gateway.test"],
    ["User-Agent", "openai/7"],
    ["Accept", "application/json"],
    ["Accept-Encoding", "gzip, br"],
    ["Content-Type", "application/json"],
    ["Content-Length", "2048"],
    ["Authorization", "Bearer x"],
    ["X-MS-CLIENT-PRINCIPAL-ID", "APP-7"],
    ["X-UserProfile", `user-${user}`],
    ["X-UserID", `user-${user}`],
    ["X-Model", "gpt-5-mini"],
    ["X-Corr", "1"],
    ["traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
  ];
}

/** Reads the profiles as a live document does, and how long each step held everything else up. */
function readInSteps(text: string): { profiles: ProfileDirectory; stepsMs: readonly number[] } {
  const stepsMs: number[] = [];
  const steps = parseProfilesInSteps(text);
  for (;;) {
    const startedAt = performance.now();
    const step = steps.next();
    stepsMs.push(performance.now() - startedAt);
    if (step.done) return { profiles: readable(step.value), stepsMs };
  }
}

/** Measures validation and admission with every check on, one request after the other on one core. */
export async function benchAdmission(): Promise<Figure[]> {
  const text = profilesDocument();
  const { profiles, stepsMs } = readInSteps(text);
  const directory = createIdentitySnapshot({
    profiles,
    suspendedUsers: readable(
      parseSuspendedUsers(Array.from({ length: 500 }, (_, n) => `bad-${n}`)),
    ),
    appIds: readable(parseAppIds(Array.from({ length: 50 }, (_, n) => `app-${n}`))),
  });
  const settings = loadSettings({ Host1: "http://a.test", PriorityKeys: "hi,lo" });
  const rules = compileValidationRules({
    validateAppId: true,
    appIdHeader: "X-MS-CLIENT-PRINCIPAL-ID",
    useProfiles: true,
    profileHeader: "X-UserProfile",
    profileRequired: true,
    disallowedHeaders: ["X-Debug"],
    requiredHeaders: ["X-Corr"],
    allowRules: [["X-Model", "Models"]],
    identify: (headers) => identifyCaller(headers, settings.userHeaders),
  });
  const requests = Array.from({ length: PROFILES }, (_, user) => clientHeaders(user));
  const admitOne = (n: number): void => {
    const headers = requests[(n * 7919) % PROFILES] ?? [];
    const validation = validate({ headers, target: "/v1/chat/completions" }, directory, rules);
    if (!validation.ok) throw new Error(validation.detail);
    const admission = admit(validation.headers, 0, settings);
    if (!admission.admitted) throw new Error(admission.detail);
  };
  for (let n = 0; n < WARM_UP_REQUESTS; n++) admitOne(n);
  const durationsMs: number[] = [];
  const startedAt = performance.now();
  let before = startedAt;
  for (let n = 0; n < REQUESTS; n++) {
    admitOne(n);
    const now = performance.now();
    durationsMs.push(now - before);
    before = now;
  }
  const seconds = (before - startedAt) / 1000;
  return [
    {
      name: `admission: ${PROFILES} profiles read (${Math.round(text.length / 1024)} KiB)`,
      value: stepsMs.reduce((sum, ms) => sum + ms, 0),
      unit: "ms",
      aim: "-",
    },
    { name: "admission: p95 of its steps", value: quantile(stepsMs, 0.95), unit: "ms", aim: "< 5" },
    {
      name: "admission: validated and admitted",
      value: REQUESTS / seconds,
      unit: "1/s",
      aim: ">= 300",
    },
    { name: "admission: p50", value: quantile(durationsMs, 0.5) * 1000, unit: "us", aim: "-" },
    { name: "admission: p99", value: quantile(durationsMs, 0.99), unit: "ms", aim: "< 5" },
  ];
}

if (import.meta.main) printFigures(await benchAdmission());
