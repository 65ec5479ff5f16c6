import { isIP } from "node:net";
import * as z from "zod";
import type { BackendId, PriorityClass } from "../core/domain.ts";
import { isBackendAddress } from "./backend-address.ts";
import { choice, flag, integer, integerList, READ_ONCE } from "./values.ts";

/** A backend as the settings describe it (`Host1`..`HostN`). */
export interface HostSettings {
  readonly id: BackendId;
  /** Scheme and authority: `https://name:port`. */
  readonly origin: string;
  /** Path of the host's URL without a trailing slash; put before every request path. */
  readonly basePath: string;
  /** Requests whose path starts here, on a segment boundary; empty serves every path. */
  readonly pathPrefix: string;
  /** Whether the prefix is cut off before the request is sent on. */
  readonly stripPrefix: boolean;
  /** `direct` hosts are never probed. */
  readonly mode: "probed" | "direct";
  readonly probePath: string;
  /** Address to connect to instead of what DNS says. */
  readonly ipAddress: string | undefined;
  /** Name of the usage parser, as the original has it. */
  readonly processor: string | undefined;
  /** Scope of the gateway's own token for this host; undefined sends the client's credentials. */
  readonly tokenScope: string | undefined;
  /** Its part of the load among its equals; 0 is used only when nobody else can serve. */
  readonly weight: number;
  /** Lower tiers are used first: 1 is fixed capacity (PTU), 2 is paid by use. */
  readonly tier: number;
  /** The classes that may use it; undefined serves all. */
  readonly priorities: readonly PriorityClass[] | undefined;
  readonly maxConcurrency: number | undefined;
  /** Its own limit to the first byte of an answer. */
  readonly firstByteTimeoutMs: number | undefined;
  /** Name of the deployment there, put in place of the request's. */
  readonly model: string | undefined;
  readonly region: string | undefined;
  /** How many tokens its model takes. */
  readonly contextWindow: number | undefined;
  /** What becomes of its streams that break: an error, or a verified continuation from elsewhere. */
  readonly midstream: Midstream;
}

/** What becomes of a stream that breaks after it began. */
export type Midstream = z.infer<typeof midstream>;

/**
 * What makes a host the same one after its settings changed: its number, origin and path. Weights,
 * limits and the like may change without it losing what is known about it.
 */
export function hostKey(host: HostSettings): string {
  return `${host.id} ${hostPlace(host)}`;
}

/** Where a host is, whatever its number: a list without gaps moves up when one is taken out. */
export function hostPlace({ origin, basePath, pathPrefix }: HostSettings): string {
  return `${origin}${basePath} ${pathPrefix}`;
}

const DEFAULT_PROBE_PATH = "echo/resource?param1=sample";
const DEFAULT_AUDIENCE = "https://cognitiveservices.azure.com/.default";

const MAX_INT32 = 2_147_483_647;
const LEAST_URGENT = 1000;

const tier = z.string().transform((text, context) => {
  const named = { ptu: 1, paygo: 2 }[text.toLowerCase()];
  const value = named ?? (/^\d{1,3}$/.test(text) ? Number(text) : 0);
  if (value >= 1) return value;
  context.addIssue({
    code: "custom",
    message: `expected ptu, paygo or a whole number from 1 to 999, got "${text}"`,
  });
  return z.NEVER;
});

/** The forms of `midstream=`. */
export const midstream = choice("error", "verify");

const hostSchema = z.strictObject({
  host: z.string({ error: "expected a URL" }).min(1, { error: "expected a URL" }),
  probe: z.string().optional(),
  path: z.string().optional(),
  mode: choice("direct", "apim", "").optional(),
  ipaddress: z.union([z.ipv4(), z.ipv6()], "expected an IPv4 or IPv6 address").optional(),
  processor: z.string().optional(),
  stripprefix: flag.optional(),
  usemi: flag.optional(),
  useoauth: flag.optional(),
  audience: z.string().optional(),
  scope: z.string().optional(),
  retryafter: flag.optional(),
  weight: integer(0, 1000).default(1),
  tier: tier.default(1),
  priorities: z
    .string()
    .transform((text) => text.replaceAll("|", ","))
    .pipe(integerList(1, LEAST_URGENT))
    .optional(),
  maxconcurrency: integer(1, 1_000_000).optional(),
  timeout: integer(1, MAX_INT32).optional(),
  model: z.string().optional(),
  region: z.string().optional(),
  contextwindow: integer(1, MAX_INT32).optional(),
  midstream: midstream.optional(),
});

export interface HostsResult {
  hosts: HostSettings[];
  problems: string[];
}

/** Reads `Host1`, `Host2`, ... up to the first gap, with their `Probe_pathN` and `IPN`. */
export function parseHosts(env: Readonly<Record<string, string | undefined>>): HostsResult {
  const result: HostsResult = { hosts: [], problems: [] };
  const defaults: HostDefaults = {
    defaultAudience: env["OAuthAudience"] || DEFAULT_AUDIENCE,
    // A value that is none is named with the other settings.
    defaultMidstream: midstream.safeParse(env["GATEWAY_BACKENDS_MIDSTREAM"]).data ?? "error",
  };
  for (let n = 1; env[`Host${n}`]; n++) {
    const id = `Host${n}`;
    const read = readHost(id, { ...plainFields(env, n), ...hostFields(env[id] ?? "") }, defaults);
    if ("problems" in read) result.problems.push(...read.problems.map((text) => `${id}: ${text}`));
    else result.hosts.push(read);
  }
  return result;
}

interface HostDefaults {
  readonly defaultAudience: string;
  readonly defaultMidstream: Midstream;
}

/** A host, or all that is wrong with it. */
function readHost(
  id: BackendId,
  fields: Record<string, string>,
  defaults: HostDefaults,
): HostSettings | { readonly problems: readonly string[] } {
  const { host: text = "" } = fields;
  const url = toUrl(text);
  const parsed = hostSchema.safeParse(fields, READ_ONCE);
  if (parsed.success && url) {
    const fault = urlFault(url, text) ?? useFault(url, parsed.data);
    return fault ? { problems: [fault] } : toHost(id, url, { ...parsed.data, ...defaults });
  }
  const wrong = parsed.success ? [] : parsed.error.issues.map(describe);
  const fault = text === "" ? undefined : urlFault(url, text);
  return { problems: fault ? [...wrong, fault] : wrong };
}

function describe(issue: z.core.$ZodIssue): string {
  const path = issue.path.join(".");
  if (issue.code === "unrecognized_keys") return `unknown keys ${issue.keys.join(", ")}`;
  return `${path ? `${path}: ` : ""}${issue.message}`;
}

function plainFields(env: Readonly<Record<string, string | undefined>>, n: number) {
  const probe = env[`Probe_path${n}`];
  const ipaddress = env[`IP${n}`];
  return { ...(probe ? { probe } : {}), ...(ipaddress ? { ipaddress } : {}) };
}

/** `host=..;path=..` (also with commas), or a plain URL. */
function hostFields(text: string): Record<string, string> {
  if (!/^\s*[a-z]+\s*=/i.test(text)) return { host: text.trim() };
  const fields: Record<string, string> = {};
  let previous = "";
  for (const part of text.split(/[;,]/).filter((piece) => piece.trim() !== "")) {
    const separator = part.indexOf("=");
    // The comma separates keys, and also the classes of one of them.
    if (separator < 0 && previous === "priorities") {
      fields[previous] = `${fields[previous]},${part.trim()}`;
      continue;
    }
    const key = (separator < 0 ? part : part.slice(0, separator)).trim().toLowerCase();
    fields[key] = separator < 0 ? "" : part.slice(separator + 1).trim();
    previous = key;
  }
  return fields;
}

function toUrl(text: string): URL | undefined {
  const url = URL.parse(text.includes("://") ? text : `https://${text}`);
  return url && /^https?:$/.test(url.protocol) && url.hostname ? url : undefined;
}

/** Why a URL is no backend's; what may hold a password is not repeated. */
function urlFault(url: URL | undefined, text: string): string | undefined {
  // A URL's host may hold these, no backend's does: keys were put behind a plain URL.
  if (/[;,]/.test(text)) return "keys need the form host=URL;key=value;...";
  if (!url) return `"${text.replace(/^.*@/, "...@")}" is not an http(s) URL`;
  if (url.username !== "" || url.password !== "") return "the URL must not hold credentials";
  // It would be lost: a request has a query of its own.
  if (url.search !== "" || url.hash !== "") return "the URL must end with its path";
  return undefined;
}

// This machine alone hears what is said there.
const LOOPBACK = /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/;

/** Why what is to be done with a URL must not be done with it. */
function useFault(
  url: URL,
  { ipaddress, usemi, useoauth }: z.infer<typeof hostSchema>,
): string | undefined {
  const isIdentified = usemi ?? useoauth ?? false;
  if (isIdentified && url.protocol === "http:" && !LOOPBACK.test(url.hostname)) {
    return "the gateway's token goes over https only";
  }
  const spelledOut = url.hostname.replace(/^\[|\]$/g, "");
  const addresses = [spelledOut, ipaddress].filter(
    (text) => text !== undefined && isIP(text) !== 0,
  );
  return addresses.every((text) => isBackendAddress(text ?? ""))
    ? undefined
    : "the address belongs to a platform's own services, not to a backend";
}

const withoutTrailingSlash = (path: string): string => path.replace(/\/+$/, "");

/** What is for an app itself, as a scope: without `/.default` Entra ID refuses it. */
const scopeOf = (audience: string): string =>
  audience.endsWith("/.default") ? audience : `${withoutTrailingSlash(audience)}/.default`;

function toHost(
  id: BackendId,
  url: URL,
  fields: z.infer<typeof hostSchema> & HostDefaults,
): HostSettings {
  const prefix = withoutTrailingSlash((fields.path ?? "").replace(/\*+$/, ""));
  const isIdentified = fields.usemi ?? fields.useoauth ?? false;
  return Object.freeze({
    id,
    origin: url.origin,
    basePath: withoutTrailingSlash(url.pathname),
    pathPrefix: prefix === "" || prefix.startsWith("/") ? prefix : `/${prefix}`,
    stripPrefix: fields.stripprefix ?? true,
    mode: fields.mode === "direct" ? "direct" : "probed",
    probePath: fields.probe || DEFAULT_PROBE_PATH,
    ipAddress: fields.ipaddress,
    processor: fields.processor,
    tokenScope: isIdentified
      ? scopeOf(fields.scope || fields.audience || fields.defaultAudience)
      : undefined,
    weight: fields.weight,
    tier: fields.tier,
    priorities: fields.priorities?.length ? Object.freeze(fields.priorities) : undefined,
    maxConcurrency: fields.maxconcurrency,
    firstByteTimeoutMs: fields.timeout,
    model: fields.model || undefined,
    region: fields.region || undefined,
    contextWindow: fields.contextwindow,
    midstream: fields.midstream ?? fields.defaultMidstream,
  });
}
