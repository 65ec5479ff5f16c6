import { z } from "zod";
import type { BackendId } from "../core/domain.ts";
import { flag } from "./values.ts";

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
}

const DEFAULT_PROBE_PATH = "echo/resource?param1=sample";
const DEFAULT_AUDIENCE = "https://cognitiveservices.azure.com/.default";

const hostSchema = z.strictObject({
  host: z.string().min(1),
  probe: z.string().optional(),
  path: z.string().optional(),
  mode: z.enum(["direct", "apim", ""]).optional(),
  ipaddress: z.union([z.ipv4(), z.ipv6()]).optional(),
  processor: z.string().optional(),
  stripprefix: flag.optional(),
  usemi: flag.optional(),
  useoauth: flag.optional(),
  audience: z.string().optional(),
  retryafter: flag.optional(),
});

export interface HostsResult {
  hosts: HostSettings[];
  problems: string[];
}

/** Reads `Host1`, `Host2`, ... up to the first gap, with their `Probe_pathN` and `IPN`. */
export function parseHosts(env: Readonly<Record<string, string | undefined>>): HostsResult {
  const result: HostsResult = { hosts: [], problems: [] };
  const defaultAudience = env["OAuthAudience"] || DEFAULT_AUDIENCE;
  for (let n = 1; env[`Host${n}`]; n++) {
    const fields = { ...plainFields(env, n), ...hostFields(env[`Host${n}`] ?? "") };
    const parsed = hostSchema.safeParse(fields);
    if (!parsed.success) {
      result.problems.push(...parsed.error.issues.map((issue) => describe(`Host${n}`, issue)));
      continue;
    }
    const url = toUrl(parsed.data.host);
    if (url) result.hosts.push(toHost(`Host${n}`, url, { ...parsed.data, defaultAudience }));
    else result.problems.push(`Host${n}: "${parsed.data.host}" is not an http(s) URL`);
  }
  return result;
}

function describe(name: string, issue: z.core.$ZodIssue): string {
  const path = issue.path.join(".");
  if (issue.code === "unrecognized_keys") return `${name}: unknown keys ${issue.keys.join(", ")}`;
  return `${name}: ${path ? `${path}: ` : ""}${issue.message}`;
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
  for (const part of text.split(/[;,]/).filter((piece) => piece.trim() !== "")) {
    const separator = part.indexOf("=");
    const key = (separator < 0 ? part : part.slice(0, separator)).trim().toLowerCase();
    fields[key] = separator < 0 ? "" : part.slice(separator + 1).trim();
  }
  return fields;
}

function toUrl(text: string): URL | undefined {
  const url = URL.parse(text.includes("://") ? text : `https://${text}`);
  return url && /^https?:$/.test(url.protocol) && url.hostname ? url : undefined;
}

const withoutTrailingSlash = (path: string): string => path.replace(/\/+$/, "");

function toHost(
  id: BackendId,
  url: URL,
  fields: z.infer<typeof hostSchema> & { defaultAudience: string },
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
    tokenScope: isIdentified ? fields.audience || fields.defaultAudience : undefined,
  });
}
