import { elapsedMs } from "../../core/clock.ts";
import { createDeadline } from "../../core/deadline.ts";
import { headerValue } from "../../core/headers.ts";
import type { BackendState } from "../../routing/index.ts";
import { backendHealthChanged } from "../../telemetry/index.ts";
import type { Services } from "../services.ts";

type ProbeServices = Pick<Services, "pool" | "backends" | "clock" | "random" | "emit">;

// Instances that started together must not probe together for ever.
const JITTER = 0.1;

/**
 * Probes every backend that may be probed now, and then on an interval, until the signal aborts. A
 * result takes a backend out of use or brings it back.
 */
export function probeBackends(services: ProbeServices, signal: AbortSignal): void {
  if (signal.aborted) return;
  const { pool, clock, random } = services;
  const running = new Set<string>();
  let cancel = (): void => {};
  const round = (): void => {
    for (const backend of pool.backends) {
      if (backend.host.mode === "direct" || running.has(backend.key)) continue;
      running.add(backend.key);
      void probe(services, backend, signal).finally(() => running.delete(backend.key));
    }
    const { intervalMs } = pool.settings.routing.probe;
    cancel = clock.schedule(intervalMs * (1 + JITTER * (2 * random() - 1)), round);
  };
  signal.addEventListener("abort", () => cancel(), { once: true });
  round();
}

/** Never rejects: a probe that fails is a result. */
async function probe(
  services: ProbeServices,
  backend: BackendState,
  signal: AbortSignal,
): Promise<void> {
  const { pool, clock, emit } = services;
  const { timeoutMs, successRate } = pool.settings.routing.probe;
  const startedAt = clock.now();
  const isWell = await answersWell(services, backend, { timeoutMs, signal });
  if (signal.aborted) return;
  if (isWell) backend.latency.recordProbe(elapsedMs(clock, startedAt), clock.now());
  const hasChanged = backend.health.record(isWell, successRate);
  if (hasChanged) emit(backendHealthChanged(backend.host.id, backend.health.isHealthy));
}

async function answersWell(
  { backends, clock }: ProbeServices,
  { host }: BackendState,
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): Promise<boolean> {
  using deadline = createDeadline(clock, clock.now() + timeoutMs, {
    reason: () => new Error("The probe took too long."),
    parent: signal,
  });
  try {
    const answer = await backends.call({
      host,
      method: "GET",
      target: `${host.basePath}/${host.probePath.replace(/^\/+/, "")}`,
      headers: [["accept", "*/*"]],
      body: undefined,
      signal: deadline.signal,
    });
    await readToEnd(answer);
    return answer.status >= 200 && answer.status <= 299;
  } catch {
    return false;
  }
}

/** A short body is read, so that the connection can be used again; a long one is not waited for. */
async function readToEnd(answer: Awaited<ReturnType<Services["backends"]["call"]>>): Promise<void> {
  const isShort = Number(headerValue(answer.headers, "content-length") ?? Number.NaN) <= 65_536;
  if (!isShort) {
    answer.discard();
    return;
  }
  for await (const _ of answer.body);
}
