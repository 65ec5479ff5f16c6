import type { Weakening } from "../weakening.ts";

const RULE = "shared/webhooks/address-rule.ts";
const CLIENT = "shared/webhooks/webhook-client.ts";
const ACCESS = "shared/identity/webhook-access.ts";
const ADDRESS = "shared/config/backend-address.ts";
const HOSTS = "shared/config/hosts.ts";
const WORK = "shared/jobs/find-provider-work.ts";
const address = (title: string): string => `security/addresses.test.ts > ${title}`;
const test = (title: string): string => `security/server-side-requests.test.ts > ${title}`;
const client = (title: string): string => `shared/webhooks/webhook-client.test.ts > ${title}`;

/** Where the gateway calls because somebody else says so. */
export const SERVER_SIDE_REQUESTS: readonly Weakening[] = [
  {
    name: "webhooks may go to private networks",
    edits: [[RULE, 'parsed.range() === "unicast"', 'parsed.range() !== "broadcast"']],
    breaks: [
      address("is nothing within: %s"),
      address("is none that spells an internal address out: %s"),
    ],
  },
  {
    name: "webhooks may go to Azure's own address",
    edits: [[RULE, " && !PLATFORM_ADDRESSES.has(parsed.toString())", ""]],
    breaks: [address("is nothing within: %s")],
  },
  {
    name: "webhooks may go nowhere",
    edits: [
      [RULE, 'if (isIP(address) === 0 || address.includes("%")) return false;', "return false;"],
    ],
    breaks: [address("is public: %s")],
  },
  {
    name: "webhooks need no TLS",
    edits: [[RULE, '!(rule.allowLocal && protocol === "http:")', 'protocol !== "http:"']],
    breaks: [address("is https, holds no credentials, and names a host or a public address")],
  },
  {
    name: "a webhook's URL may hold credentials",
    edits: [
      [
        RULE,
        'if (username !== "" || password !== "") return',
        "if (username.length < 0) return password +",
      ],
    ],
    breaks: [address("is https, holds no credentials, and names a host or a public address")],
  },
  {
    name: "whoever may call this machine may call all within",
    edits: [[RULE, 'ipaddr.process(address).range() === "loopback"', "ipaddr.isValid(address)"]],
    breaks: [
      address("may be this machine without TLS, where that is allowed, and nothing else within"),
    ],
  },
  {
    name: "an address is judged before the call only",
    edits: [
      [
        CLIENT,
        "lookup: createGuardedLookup(options, resolveName)",
        "lookup: createGuardedLookup({ allowLocal: true }, resolveName)",
      ],
    ],
    breaks: [client("refuses what resolves to an internal address, at the moment it connects")],
  },
  {
    name: "webhooks follow redirects",
    edits: [
      [CLIENT, "import { Agent }", "import { Agent, interceptors }"],
      [
        CLIENT,
        "await this.#agent.request({",
        "await this.#agent.compose(interceptors.redirect({ maxRedirections: 2 })).request({",
      ],
    ],
    breaks: [client("follows no redirect")],
  },
  {
    name: "a webhook's URL is compared as it is written",
    edits: [
      [
        ACCESS,
        "? url.startsWith(allowed.slice(0, -1))",
        "? asked.startsWith(allowed.slice(0, -1))",
      ],
    ],
    breaks: [test("is none but those of the profile: %s")],
  },
  {
    name: "backends may be where identities are handed out",
    edits: [[ADDRESS, "family !== 0 && !NEVER.check(", "family !== 0 || NEVER.check("]],
    breaks: [test("is never at %s"), test("cannot spell such an address out: %s")],
  },
  {
    name: "backends may not be on private networks",
    edits: [
      [ADDRESS, 'NEVER.addSubnet("0.0.0.0", 8, "ipv4");', 'NEVER.addSubnet("0.0.0.0", 1, "ipv4");'],
    ],
    breaks: [test("may be on a private network: %s")],
  },
  {
    name: "addresses are not judged in a host's URL",
    edits: [
      [HOSTS, 'isBackendAddress(text ?? "")', "isBackendAddress !== undefined && text !== null"],
    ],
    breaks: [test("cannot spell such an address out: %s")],
  },
  {
    name: "a host's URL may hold credentials",
    edits: [
      [
        HOSTS,
        'if (url.username !== "" || url.password !== "") return',
        "if (url.port === undefined) return",
      ],
    ],
    breaks: [test("has no credentials in its URL, and the refusal does not repeat them")],
  },
  {
    name: "a backend is followed wherever its name leads",
    edits: [
      [
        "shared/backends/lookup.ts",
        "addresses.filter(({ address }) => isBackendAddress(address))",
        "addresses.filter(() => isBackendAddress !== undefined)",
      ],
    ],
    breaks: [test("is not followed to such an address when its name leads there later")],
  },
  {
    name: "a provider's work may be anywhere",
    edits: [[WORK, "url.origin !== new URL(origin).origin || ", ""]],
    breaks: [
      test("leads to no other host: %s"),
      "shared/jobs/provider-work.test.ts > asks nobody else: %s",
      "shared/gateway/jobs/poll-provider.test.ts > fetches an operation's result where that is, and nowhere else",
      "shared/gateway/jobs/poll-provider.test.ts > keeps an accepted operation of another host as the answer that it is",
    ],
  },
  {
    name: "a response's id may leave its path",
    edits: [[WORK, "!ID.test(id) ||", ""]],
    breaks: ["shared/jobs/provider-work.test.ts > takes for a result what %s"],
  },
  {
    name: "documents of trust follow redirects",
    edits: [["shared/gateway/fetch-json.ts", 'redirect: "error"', 'redirect: "follow"']],
    breaks: [test("is not fetched from where somebody else points")],
  },
  {
    name: "keys come over any line",
    edits: [
      [
        "shared/config/authentication.ts",
        'protocol === "https:" || hostname === "127.0.0.1"',
        'protocol !== "" || hostname === "127.0.0.1"',
      ],
    ],
    breaks: [test("comes over a line that nobody else writes to")],
  },
  {
    name: "documents follow redirects with the gateway's token",
    edits: [["shared/documents/http-source.ts", 'identity ? "error" : "follow"', '"follow"']],
    breaks: [
      "shared/documents/http-source.test.ts > is fetched with the gateway's own token, which follows no redirect",
    ],
  },
  {
    name: "backends' redirects are followed",
    edits: [
      [
        "shared/backends/backend-client.ts",
        'import type { Dispatcher } from "undici";',
        'import { type Dispatcher, interceptors } from "undici";',
      ],
      [
        "shared/backends/backend-client.ts",
        "agents.for(host).dispatch(",
        "agents.for(host).compose(interceptors.redirect({ maxRedirections: 2 })).dispatch(",
      ],
    ],
    breaks: [
      "shared/backends/backend-client.test.ts > follows no redirect and undoes no compression",
    ],
  },
  {
    name: "addresses that nobody has are public",
    edits: [[RULE, "!parsed.match(PUBLIC_IPV6)", "!PUBLIC_IPV6"]],
    breaks: [address("is nothing within: %s")],
  },
];
