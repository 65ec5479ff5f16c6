import type { BackendAnswer } from "../../backends/index.ts";
import type { HostSettings } from "../../config/index.ts";
import { GatewayError } from "../../core/errors.ts";
import { type HeaderList, withoutHeaders } from "../../core/headers.ts";
import { openRequest } from "../../identity/index.ts";
import type { JobRecord, ProviderWork } from "../../jobs/index.ts";
import { readRequestEnvelope } from "../../messaging/index.ts";
import { headersForAttempt } from "../calls/attempt-headers.ts";
import type { Services } from "../services.ts";

/** One call about work that a provider has taken. */
export interface ProviderCall {
  readonly job: JobRecord;
  readonly work: ProviderWork;
  readonly method: "GET" | "POST" | "DELETE";
  /** Path and query at the backend that took the work. */
  readonly target: string;
}

// What speaks of the body that was sent, of a form of the answer that is not needed, or of a repetition.
const OF_THE_FIRST_CALL = new Set([
  "accept-encoding",
  "content-encoding",
  "content-language",
  "content-md5",
  "content-digest",
  "content-type",
  "idempotency-key",
  "x-idempotency-key",
  "prefer",
  "range",
  "if-match",
  "if-none-match",
]);

/** The backend that took a job's work; undefined when the settings have none like it any more. */
export function hostOf({ pool }: Pick<Services, "pool">, hostKey: string) {
  const place = (key: string): string => key.slice(key.indexOf(" "));
  const { backends } = pool;
  // Its number may have changed; what it is known by there has not.
  const found =
    backends.find(({ key }) => key === hostKey) ??
    backends.find(({ key }) => place(key) === place(hostKey));
  return found?.host;
}

/** Asks the backend that took the work, with the identity of the request that gave it, and without a body. */
export async function askProvider(
  services: Services,
  host: HostSettings,
  call: ProviderCall & { readonly signal: AbortSignal },
): Promise<BackendAnswer> {
  const { method, target, signal } = call;
  return services.backends.call({
    host,
    method,
    target,
    headers: headersOf(services, call),
    body: method === "POST" ? new Uint8Array() : undefined,
    signal,
  });
}

function headersOf(services: Services, { job, work }: ProviderCall): HeaderList {
  const { headers, target, sealedHeaders } = readRequestEnvelope(job.request);
  const stored = sealedHeaders === undefined ? {} : { sealed: sealedHeaders };
  const opened = openRequest(
    { target, headers, ...stored },
    services.settings.credentialKey,
    job.id,
  );
  const kept = withoutHeaders(services.requestHeaders(opened.headers), (name) =>
    OF_THE_FIRST_CALL.has(name),
  );
  return headersForAttempt(kept, {
    requestId: job.id,
    cycle: work.attempt,
    isOwnAffinity: () => true,
  });
}

/** Ends a call after so long, or with another signal. */
export function callLimit(
  { clock }: Pick<Services, "clock">,
  limitMs: number,
): { readonly signal: AbortSignal } & Disposable {
  const call = new AbortController();
  const cancel = clock.schedule(limitMs, () =>
    call.abort(new GatewayError("backend-timeout", "The provider did not answer in time.")),
  );
  return { signal: call.signal, [Symbol.dispose]: cancel };
}
