import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

// Azure's own platform endpoint: a public address that leads into the host.
// https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
const PLATFORM_ADDRESSES = new Set(["168.63.129.16"]);

/** What besides public addresses may be called. */
export interface AddressRule {
  /** This machine, and without TLS. */
  readonly allowLocal: boolean;
}

// Of IPv6 only this part is given out for the internet; 127.0.0.1 has old spellings beside it, such as ::7f00:1.
// https://www.iana.org/assignments/ipv6-address-space
const PUBLIC_IPV6 = ipaddr.parseCIDR("2000::/3");

/**
 * Whether an address is one of the public internet: neither private nor link-local, loopback, multicast,
 * reserved, translated into another network, nor a cloud's own.
 */
export function isPublicAddress(address: string): boolean {
  // An address with a zone is link-local, and none that a name may resolve to.
  if (isIP(address) === 0 || address.includes("%")) return false;
  const parsed = ipaddr.process(address);
  if (parsed.kind() === "ipv6" && !parsed.match(PUBLIC_IPV6)) return false;
  return parsed.range() === "unicast" && !PLATFORM_ADDRESSES.has(parsed.toString());
}

/** Whether an address may be called under a rule. */
export function isAllowedAddress(address: string, { allowLocal }: AddressRule): boolean {
  if (isPublicAddress(address)) return true;
  return allowLocal && isIP(address) !== 0 && ipaddr.process(address).range() === "loopback";
}

/** Why a URL may not be called, whatever its name resolves to; undefined where only that decides. */
export function targetFault(url: URL, rule: AddressRule): string | undefined {
  const { protocol, username, password } = url;
  if (protocol !== "https:" && !(rule.allowLocal && protocol === "http:")) return "no https";
  if (username !== "" || password !== "") return "credentials in the URL";
  // A socket asks no lookup about an address: those that are written out are judged here.
  const address = url.hostname.replace(/^\[|\]$/g, "");
  return isIP(address) !== 0 && !isAllowedAddress(address, rule)
    ? "an address that is not public"
    : undefined;
}
