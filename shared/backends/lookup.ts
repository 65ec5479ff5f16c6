import { type LookupAddress, lookup as resolve } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { isBackendAddress } from "../config/index.ts";
import type { Clock } from "../core/clock.ts";

type Answer = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void;

/** Asks for every address of a name; production asks the system, tests answer at once. */
export type ResolveName = (hostname: string, answer: Answer) => void;

interface Known {
  readonly addresses: LookupAddress[];
  readonly resolvedAt: number;
}

// More names than any set of backends has; a bound all the same.
const MAX_NAMES = 1000;

const askSystem: ResolveName = (hostname, answer) =>
  resolve(hostname, { all: true, order: "verbatim" }, answer);

/**
 * A lookup that asks once an interval and name, shared by all who ask meanwhile. While a name cannot be
 * resolved, its last addresses are still used: a resolver's outage must not become the backends'.
 */
export function createCachedLookup(
  clock: Clock,
  refreshMs: number,
  resolveName: ResolveName = askSystem,
): LookupFunction {
  const known = new Map<string, Known>();
  const asking = new Map<string, Answer[]>();
  const ask = (hostname: string, answer: Answer): void => {
    const waiting = asking.get(hostname);
    if (waiting) {
      waiting.push(answer);
      return;
    }
    asking.set(hostname, [answer]);
    resolveName(hostname, (error, addresses) => {
      if (known.size >= MAX_NAMES) known.clear();
      // A name may be led anywhere after its host was found good.
      const usable = error ? [] : addresses.filter(({ address }) => isBackendAddress(address));
      if (!error) known.set(hostname, { addresses: usable, resolvedAt: clock.now() });
      const stale = known.get(hostname);
      const answers = asking.get(hostname) ?? [];
      asking.delete(hostname);
      for (const next of answers) next(stale ? null : error, stale?.addresses ?? []);
    });
  };
  return (hostname, options, callback) => {
    const reply = replyWith(options, callback);
    const fresh = known.get(hostname);
    if (fresh && clock.now() - fresh.resolvedAt < refreshMs) {
      // Never in the same turn: the socket is not ready for an answer before its connect returns.
      process.nextTick(reply, null, fresh.addresses);
      return;
    }
    ask(hostname, reply);
  };
}

/** A lookup that knows one address only. The name stays what TLS and `Host` speak of. */
export function createPinnedLookup(address: string): LookupFunction {
  const pinned = [{ address, family: isIP(address) }];
  return (_hostname, options, callback) =>
    process.nextTick(replyWith(options, callback), null, pinned);
}

type LookupOptions = Parameters<LookupFunction>[1];
type LookupCallback = Parameters<LookupFunction>[2];

/** The answer in the form in which the socket asked for it: all addresses, or the first of its family. */
function replyWith({ all, family }: LookupOptions, callback: LookupCallback): Answer {
  return (error, addresses) => {
    if (error) return callback(error, [], 0);
    const wanted = family === 4 || family === 6 ? family : undefined;
    const fitting = addresses.filter((entry) => wanted === undefined || entry.family === wanted);
    const [first] = fitting;
    if (!first) return callback(notFound(), [], 0);
    return all ? callback(null, fitting) : callback(null, first.address, first.family);
  };
}

const notFound = (): NodeJS.ErrnoException =>
  Object.assign(new Error("The name has no address."), { code: "ENOTFOUND" });
