import type { Clock } from "../../../shared/core/clock.ts";
import { serverTimeout, sessionBusy } from "../amqp/errors.ts";
import { type RheaLink, types } from "../amqp/rhea.ts";
import type { SessionDispatcher } from "../entity/session-dispatcher.ts";
import type { SessionLock } from "../entity/session-lock.ts";
import { DEFAULT_SESSION_WAIT_MS } from "../limits.ts";
import { type BrokerLink, refuseLink } from "./broker-link.ts";
import type { ReceiveLink } from "./receive-link.ts";

/** The filter of an attach that asks for a session; its value is null for the next one. */
export const SESSION_FILTER = "com.microsoft:session-filter";
const LOCKED_UNTIL = "com.microsoft:locked-until-utc";
const TIMEOUT = "com.microsoft:timeout";
// .NET counts time in steps of 100 ns since the year 1.
const TICKS_PER_MS = 10_000n;
const UNIX_EPOCH_TICKS = 621_355_968_000_000_000n;

export interface SessionAttachOptions {
  readonly receive: ReceiveLink;
  readonly sessions: SessionDispatcher;
  readonly clock: Clock;
}

/** Locks the session that an attach names and answers it, or refuses it when another has it. */
export function attachNamedSession(sessionId: string, options: SessionAttachOptions): BrokerLink {
  const { receive, sessions } = options;
  const lock = sessions.acceptNamed(sessionId, receive);
  if (lock) grant(receive, lock);
  else {
    receive.close();
    const reason = `The session '${sessionId}' is locked by another receiver.`;
    refuseLink(receive.link, sessionBusy(reason));
  }
  return receive;
}

/** Holds the answer to an attach back until a session with messages is free, or time is up. */
export function attachNextSession({ receive, sessions, clock }: SessionAttachOptions): BrokerLink {
  const { link } = receive;
  hold(link);
  let isHeld = true;
  const stopClock = clock.schedule(timeoutOf(link), () => {
    leave();
    receive.close();
    refuseLink(link, serverTimeout("No session with messages became available in time."));
  });
  const stopWaiting = sessions.acceptNext(receive, (lock) => {
    isHeld = false;
    stopClock();
    grant(receive, lock);
  });
  const leave = (): void => {
    isHeld = false;
    stopClock();
    stopWaiting();
  };
  const close = (): void => {
    // rhea answers a detach only on a link that it has answered the attach of.
    if (isHeld) link.open();
    leave();
    receive.close();
  };
  return { link, close, resume: () => receive.resume() };
}

// rhea opens its side of a link before it tells of the attach; nothing has been written yet.
function hold(link: RheaLink): void {
  link.state.local_open = false;
  link.state.open_requests = 0;
}

function grant(receive: ReceiveLink, lock: SessionLock): void {
  const { link } = receive;
  const address = link.source?.address;
  link.set_source({ address, filter: { [SESSION_FILTER]: types.wrap_string(lock.sessionId) } });
  link.local.attach["properties"] = { [LOCKED_UNTIL]: types.wrap_long(toTicks(lock.lockedUntil)) };
  link.open();
  receive.start(lock);
}

/** The client's own patience: the answer must come before it gives up. */
function timeoutOf(link: RheaLink): number {
  const timeoutMs = link.properties?.[TIMEOUT];
  return typeof timeoutMs === "number" ? timeoutMs : DEFAULT_SESSION_WAIT_MS;
}

/** .NET ticks as the eight bytes of a long: they exceed what a JavaScript number holds. */
function toTicks(timeMs: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(timeMs) * TICKS_PER_MS + UNIX_EPOCH_TICKS);
  return bytes;
}
