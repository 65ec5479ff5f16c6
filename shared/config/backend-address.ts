import { BlockList, isIP } from "node:net";

/**
 * Where no model is, and where a request of the gateway's would do harm: link-local addresses, among
 * them the clouds' services that hand out identities, Azure's way into its hosts, and groups of hosts.
 * Private networks are where private endpoints are.
 */
const NEVER = new BlockList();
NEVER.addSubnet("0.0.0.0", 8, "ipv4");
NEVER.addSubnet("169.254.0.0", 16, "ipv4");
// https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
NEVER.addAddress("168.63.129.16", "ipv4");
NEVER.addSubnet("224.0.0.0", 3, "ipv4");
NEVER.addAddress("::", "ipv6");
NEVER.addSubnet("fe80::", 10, "ipv6");
NEVER.addAddress("fd00:ec2::254", "ipv6");
NEVER.addSubnet("ff00::", 8, "ipv6");
// Link-local ones of IPv4 as tunnels and translators write them.
for (const [prefix, bits] of [
  ["::a9fe:0", 112],
  ["64:ff9b::a9fe:0", 112],
  ["2002:a9fe::", 32],
] as const) {
  NEVER.addSubnet(prefix, bits, "ipv6");
}

/** Whether an address may be a backend's, in whatever form IPv6 has for it. */
export function isBackendAddress(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && !NEVER.check(address, family === 6 ? "ipv6" : "ipv4");
}
