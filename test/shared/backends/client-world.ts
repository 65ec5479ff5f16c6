import { onTestFinished } from "vitest";
import {
  type BackendCall,
  type BackendClientOptions,
  type BackendFailure,
  createBackendClient,
  type TokenSource,
} from "../../../shared/backends/index.ts";
import { hostWith } from "../../support/hosts.ts";
import {
  type RawBackend,
  type RawBackendOptions,
  type RawScript,
  startRawBackend,
} from "../../support/raw-backend.ts";

const tokens: TokenSource = {
  token: async (scope) => `token for ${scope}`,
  tokenInstead: async () => undefined,
};

/** A client that is closed when its test ends. */
export function openClient(options: Partial<BackendClientOptions> = {}) {
  const client = createBackendClient({ ignoreTlsErrors: false, tokens, ...options });
  onTestFinished(() => client.close());
  return client;
}

/** A scripted backend that ends with its test. */
export async function openBackend(
  script: RawScript,
  options?: RawBackendOptions,
): Promise<RawBackend> {
  const backend = await startRawBackend(script, options);
  onTestFinished(() => backend[Symbol.asyncDispose]());
  return backend;
}

/** A call to a backend; names what a test cares for. */
export function callTo({ origin }: { origin: string }, change: Partial<BackendCall> = {}) {
  const { signal } = new AbortController();
  const host = hostWith({ origin });
  return { host, method: "GET", target: "/", headers: [], body: undefined, signal, ...change };
}

/** What a promise is rejected with; a test that gets no error fails here. */
export async function failureOf(promise: Promise<unknown>): Promise<BackendFailure> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome === undefined) throw new Error("Nothing failed.");
  return outcome as BackendFailure;
}

/** Everything a body gives, and what it breaks with. */
export async function readOut(
  body: AsyncIterable<Uint8Array>,
): Promise<{ text: string; error?: unknown }> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of body) chunks.push(chunk);
    return { text: Buffer.concat(chunks).toString("latin1") };
  } catch (error) {
    return { text: Buffer.concat(chunks).toString("latin1"), error };
  }
}
