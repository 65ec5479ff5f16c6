import type { Clock } from "../core/clock.ts";
import { createDeadline } from "../core/deadline.ts";
import { type HeaderList, withoutHeaders } from "../core/headers.ts";
import type { BackendAnswer, BackendCall } from "./backend-client.ts";
import { BackendFailure } from "./backend-failure.ts";
import type { TokenSource } from "./token-source.ts";

/** Sends a call with these headers, and waits so long for the beginning of its answer. */
export type Send = (headers: HeaderList, firstByteMs: number) => Promise<BackendAnswer>;

/** A call with a token of the gateway's own in the place of the client's credentials. */
export interface IdentifiedCall extends Pick<BackendCall, "headers" | "signal"> {
  readonly scope: string;
}

export interface IdentityMeans {
  readonly tokens: TokenSource;
  readonly clock: Clock;
  /** Epoch milliseconds at which the answer must have begun; the wait for a token is a part of that. */
  readonly byAt: number;
  readonly send: Send;
}

const UNAUTHORIZED = 401;

/**
 * Calls a backend with the gateway's identity. The token is for this one call to this one host: what goes
 * elsewhere is another call, with the client's own headers. A token that is refused may have been revoked,
 * or our clock is behind: with another one the backend is asked once more.
 */
export async function callIdentified(
  call: IdentifiedCall,
  { tokens, clock, byAt, send }: IdentityMeans,
): Promise<BackendAnswer> {
  const { scope, headers } = call;
  const ask = <Value>(asking: (signal: AbortSignal) => Promise<Value>): Promise<Value> =>
    inTime(clock, { byAt, parent: call.signal, asking });
  const token = await ask((signal) => tokens.token(scope, signal));
  const answer = await send(withToken(headers, token), byAt - clock.now());
  if (answer.status !== UNAUTHORIZED) return answer;
  const other = await ask((signal) => tokens.tokenInstead(token, scope, signal)).catch(() => {});
  if (other === undefined) return answer;
  answer.discard();
  return send(withToken(headers, other), byAt - clock.now());
}

interface TokenWait<Value> {
  readonly byAt: number;
  readonly parent: AbortSignal;
  readonly asking: (signal: AbortSignal) => Promise<Value>;
}

async function inTime<Value>(
  clock: Clock,
  { byAt, parent, asking }: TokenWait<Value>,
): Promise<Value> {
  const reason = (): BackendFailure =>
    new BackendFailure("first-byte-timeout", "The gateway waited too long for a token.", {
      mayHaveBegun: false,
    });
  using deadline = createDeadline(clock, byAt, { reason, parent });
  try {
    return await asking(deadline.signal);
  } catch (cause) {
    if (deadline.signal.aborted) throw deadline.signal.reason;
    const message = "The gateway got no token for the backend.";
    throw new BackendFailure("connect", message, { mayHaveBegun: false, cause });
  }
}

function withToken(headers: HeaderList, token: string): HeaderList {
  const anonymous = withoutHeaders(
    headers,
    (name) => name === "authorization" || name === "api-key",
  );
  return [...anonymous, ["authorization", `Bearer ${token}`]];
}
