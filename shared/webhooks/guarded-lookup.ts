import { lookup as askSystem, type LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";
import { type AddressRule, isAllowedAddress } from "./address-rule.ts";

type Answer = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void;

/** Asks for every address of a name; production asks the system, tests answer at once. */
export type ResolveName = (hostname: string, answer: Answer) => void;

const resolveBySystem: ResolveName = (hostname, answer) =>
  askSystem(hostname, { all: true }, answer);

/**
 * A lookup for sockets that passes on allowed addresses only. The socket connects to what it was given
 * here, so a name that changes its addresses between a check and the call gains nothing.
 */
export function createGuardedLookup(
  rule: AddressRule,
  resolveName: ResolveName = resolveBySystem,
): LookupFunction {
  return (hostname, options, callback) => {
    resolveName(hostname, (error, addresses) => {
      if (error) return callback(error, [], 0);
      const { family } = options;
      const allowed = addresses
        .filter(({ address }) => isAllowedAddress(address, rule))
        .filter((entry) => (family === 4 || family === 6 ? entry.family === family : true));
      const [first] = allowed;
      if (!first) return callback(notAllowed(), [], 0);
      return options.all ? callback(null, allowed) : callback(null, first.address, first.family);
    });
  };
}

const notAllowed = (): NodeJS.ErrnoException =>
  Object.assign(new Error("The name has no address that may be called."), {
    code: "EADDRESSNOTALLOWED",
  });
