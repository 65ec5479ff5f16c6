import type { Dispatcher } from "undici";
import type { HostSettings } from "../config/index.ts";
import { type Clock, systemClock } from "../core/clock.ts";
import type { HeaderList } from "../core/headers.ts";
import type { RequestBody } from "../core/http.ts";
import { Agents } from "./agents.ts";
import type { UnseenBy } from "./backend-failure.ts";
import { callIdentified, type Send } from "./call-identified.ts";
import { type CallLimits, DEFAULT_CALL_LIMITS } from "./call-limits.ts";
import { commitAnswer } from "./commit-answer.ts";
import { Exchange } from "./exchange.ts";
import { outgoingBody } from "./outgoing-body.ts";
import type { StreamProtocol } from "./stream-meaning.ts";
import type { TokenSource } from "./token-source.ts";

/** One call to one backend. */
export interface BackendCall {
  readonly host: HostSettings;
  readonly method: string;
  /** Path and query exactly as they go on the wire. */
  readonly target: string;
  readonly headers: HeaderList;
  readonly body: RequestBody | undefined;
  /** Ends the call, also while its body is being read. */
  readonly signal: AbortSignal;
  /** Limits of this call that are not the client's own. */
  readonly limits?: Partial<CallLimits>;
  /** Takes the answer to its last byte before it resolves, so that one that breaks can be asked for elsewhere. */
  readonly whole?: boolean;
  /** The same for a success that is no stream, of at most so many bytes; what is longer is streamed. */
  readonly wholeBytes?: number;
  /**
   * Whether a model is asked for something: then neither nothing at all nor an error alone is a success. Wanted
   * only of such answers.
   */
  asksModel?(): boolean;
  /** What whole events of a stream are to be, each byte a Latin-1 character; only such are then given on. */
  readonly rewrite?: ((events: string) => string) | undefined;
  /** Called when the request begins to go out: from then on the backend may be working on it. */
  onSent?(): void;
  /** Called when it goes out once more because the backend has not seen it. */
  onResent?(by: UnseenBy): void;
  /** Called when the first meaningful bytes are in, which may be long before the call resolves. */
  onBegun?(): void;
}

/** What a backend began to answer. The body must be read to its end, or discarded. */
export interface BackendAnswer {
  readonly status: number;
  readonly headers: HeaderList;
  /** Throws a `BackendFailure` where it is not whole: it never ends as if it were. */
  readonly body: AsyncIterable<Uint8Array>;
  /** In which protocol a stream of events speaks, as far as it is known. */
  readonly protocol?: () => StreamProtocol | undefined;
  /** The data of an error event that is all of a stream: a verdict on the request, under a status of success. */
  readonly refusal?: string | undefined;
  /** All of the body, where it is short and was taken whole: its backend is done with it. */
  readonly whole?: Uint8Array | undefined;
  /** Fields behind a chunked body; known when that has been read. */
  readonly trailers?: () => HeaderList;
  /** Gives up the rest of the body and the connection with it. */
  discard(): void;
}

/** Makes calls to backends. */
export interface BackendClient {
  /**
   * Resolves once the answer is committed: a success at its first byte, an event stream at its first
   * meaningful event, what was asked for whole at its last byte, every other status at its headers.
   * Throws a `BackendFailure` before that, or the signal's reason.
   */
  call(call: BackendCall): Promise<BackendAnswer>;
  close(): Promise<void>;
}

export interface BackendClientOptions {
  ignoreTlsErrors: boolean;
  tokens: TokenSource;
  clock?: Clock;
  /** Limits of calls that say nothing else. */
  limits?: Partial<CallLimits>;
  /** The original's `DnsRefreshTimeout`. */
  dnsRefreshMs?: number;
  /** Off unless asked for. */
  allowHttp2?: boolean;
}

const DEFAULT_DNS_REFRESH_MS = 120_000;

/** The HTTP client of all backends: pools of kept-alive connections, and limits for each call. */
export function createBackendClient({
  ignoreTlsErrors,
  tokens,
  clock = systemClock,
  limits: ownLimits,
  dnsRefreshMs = DEFAULT_DNS_REFRESH_MS,
  allowHttp2 = false,
}: BackendClientOptions): BackendClient {
  const limits = { ...DEFAULT_CALL_LIMITS, ...ownLimits };
  const agents = new Agents({
    clock,
    ignoreTlsErrors,
    dnsRefreshMs,
    allowHttp2,
    connectMs: limits.connectMs,
  });
  return {
    call(call) {
      const { host, signal } = call;
      const own = { ...limits, ...call.limits };
      own.firstByteMs = Math.min(own.firstByteMs, limits.firstByteMs);
      const send: Send = (headers, firstByteMs) => {
        const startedAt = clock.now();
        return commitAnswer(call, (isFresh) => {
          const spentMs = isFresh ? clock.now() - startedAt : 0;
          const totalMs = own.totalMs - spentMs;
          const limits = { ...own, totalMs, firstByteMs: firstByteMs - spentMs };
          const onResent = (): void => call.onResent?.("refused");
          const exchange = new Exchange({ clock, limits, signal, onSent: call.onSent, onResent });
          dispatch(agents, exchange, { call, headers, isFresh });
          return exchange;
        });
      };
      if (host.tokenScope === undefined) return send(call.headers, own.firstByteMs);
      const byAt = clock.now() + own.firstByteMs;
      return callIdentified({ ...call, scope: host.tokenScope }, { tokens, clock, byAt, send });
    },
    close: () => agents.close(),
  };
}

interface Outgoing {
  readonly call: BackendCall;
  readonly headers: HeaderList;
  /** Whether it is to have a connection on which nothing was sent before. */
  readonly isFresh: boolean;
}

function dispatch(agents: Agents, exchange: Exchange, { call, headers, isFresh }: Outgoing): void {
  const { host, method, target, signal } = call;
  if (signal.aborted) return;
  const { body, sizeBytes } = outgoingBody(call.body, agents.mayShare(host));
  const options: Dispatcher.DispatchOptions = {
    origin: host.origin,
    path: target,
    method: method as Dispatcher.HttpMethod,
    headers: flat(headers, sizeBytes),
    body,
  };
  if (isFresh) agents.dispatchFresh(host, options, exchange);
  else agents.for(host).dispatch(options, exchange);
}

function flat(headers: HeaderList, sizeBytes: number | undefined): string[] {
  const list: string[] = [];
  for (const [name, value] of inOneCookie(headers)) list.push(name, value);
  if (sizeBytes !== undefined) list.push("content-length", String(sizeBytes));
  return list;
}

/** Cookies that came apart go out as one: HTTP/2 would join them by commas (RFC 6265, section 5.4). */
function inOneCookie(headers: HeaderList): HeaderList {
  const cookies = headers.filter(([name]) => isCookie(name));
  const [first] = cookies;
  if (!first || cookies.length === 1) return headers;
  const joined = cookies.map(([, value]) => value).join("; ");
  return headers.flatMap((field) => {
    if (!isCookie(field[0])) return [field];
    return field === first ? [[field[0], joined] as const] : [];
  });
}

const isCookie = (name: string): boolean => name.length === 6 && name.toLowerCase() === "cookie";
