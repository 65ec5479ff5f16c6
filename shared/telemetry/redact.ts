import type { HeaderList } from "../core/headers.ts";
import { remembered } from "../core/remembered.ts";

/** What stands in the place of a secret. */
export const REDACTED = "REDACTED";

/**
 * The list: names of headers, query parameters and JSON members whose values are secrets. Compared in
 * lower case and without what is no letter and no digit; a name that ends with one of them is one, too.
 */
const SECRET_NAMES = [
  "authorization",
  "apikey",
  "subscriptionkey",
  "functionskey",
  "operatorkey",
  "accesskey",
  "accountkey",
  "privatekey",
  "signingkey",
  "credentialkey",
  "token",
  "accesstoken",
  "tokenaad",
  "secret",
  "password",
  "passwd",
  "passphrase",
  "pwd",
  "signature",
  "cookie",
  "cookie2",
  "credential",
  "credentials",
  "connectionstring",
  "assertion",
  "instrumentationkey",
  "clientprincipal",
  "sastoken",
] as const;

/** As {@link SECRET_NAMES}, but only as a whole: within longer names they say nothing. */
const SECRET_WHOLE_NAMES = new Set(["key", "code", "sig", "sas", "auth", "jwt", "pat", "pass"]);

/** And what is a secret by its looks, wherever it stands. The first group stays. */
const SECRET_SHAPES: readonly RegExp[] = [
  /\b((?:bearer|basic|digest|negotiate|sharedaccesssignature)\s+)[^\s"',;]+/gi,
  // Keys of OpenAI, Anthropic, Google, GitHub, AWS; webhook secrets; JSON web tokens.
  /()\b(?:sk|pk|rk)-[A-Za-z0-9_-]{8,}/g,
  /()\bAIza[A-Za-z0-9_-]{20,}/g,
  /()\bgh[pousr]_[A-Za-z0-9]{16,}/g,
  /()\b(?:AKIA|ASIA)[A-Z0-9]{12,}/g,
  /()\bwhsec_[A-Za-z0-9+/=_-]{8,}/g,
  /()\beyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{2,}(?:\.[A-Za-z0-9_-]*)*/g,
  // Keys of Azure's own services.
  /()(?<![A-Za-z0-9])[A-Za-z0-9]{84}(?![A-Za-z0-9])/g,
  /()(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{86}==/g,
  /(\/\/)[^/\s:@]+:[^/\s@]+(?=@)/g,
];

// A name and what is before its value: in a query, a JSON text, a header line, a connection string.
const NAMED = /([A-Za-z0-9_.-]{1,64})\\{0,8}["']?\s{0,4}([:=])\s{0,4}\\{0,8}["']?/g;
const VALUE = /[^\s"'\\&;,}\]]+/y;
// After a colon these go on to the end of their line: they have schemes, and more than one part.
const LINE_NAME = /(?:authorization|cookie2?)$/i;
const LINE_VALUE = /[^\r\n"'\\]+/y;
// What is longer is cut: nobody reads it, and each pattern has its price.
const MAX_TEXT_LENGTH = 16_384;
const ENCODED = /%[0-9A-Fa-f]{2}/;
const MAX_ENCODINGS = 3;
const MAX_DEPTH = 12;

/** Whether a name is one of the list's. */
export function isSecretName(name: string): boolean {
  const plain = unencoded(name)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, "");
  return SECRET_WHOLE_NAMES.has(plain) || SECRET_NAMES.some((secret) => plain.endsWith(secret));
}

/** The text without secrets, however they are written or encoded in it; what is very long is cut. */
export function redactText(text: string): string {
  const short = text.length > MAX_TEXT_LENGTH ? text.slice(0, MAX_TEXT_LENGTH) : text;
  const plain = ENCODED.test(short) ? short.split(/(\s+)/).map(redactEncoded).join("") : short;
  const shaped = SECRET_SHAPES.reduce(
    (left, shape) => left.replace(shape, (_, kept: string) => `${kept}${REDACTED}`),
    plain,
  );
  return redactNamed(shaped);
}

/** Only the values of names on the list are passed over: any other may have such a name within it. */
function redactNamed(text: string): string {
  let redacted = "";
  let from = 0;
  for (const { 0: before, 1: name = "", 2: separator, index } of text.matchAll(NAMED)) {
    if (index < from || !isSecretName(name)) continue;
    const value = separator === ":" && LINE_NAME.test(name) ? LINE_VALUE : VALUE;
    const start = index + before.length;
    value.lastIndex = start;
    const length = value.exec(text)?.[0].length;
    if (length === undefined) continue;
    redacted += `${text.slice(from, start)}${REDACTED}`;
    from = start + length;
  }
  return redacted + text.slice(from);
}

/** Text that is encoded stays so unless there is a secret in it. */
function redactEncoded(text: string): string {
  const plain = ENCODED.test(text) ? unencoded(text) : text;
  if (plain === text) return text;
  // Whoever encodes so often hides something.
  if (ENCODED.test(plain)) return REDACTED;
  const redacted = redactText(plain);
  return redacted === plain ? text : redacted;
}

/** Path and query without secrets. The same few targets come with nearly all requests. */
export const redactTarget: (target: string) => string = remembered(redactedTarget);

function redactedTarget(target: string): string {
  const at = target.search(/[?#]/);
  if (at < 0) return redactText(target);
  const parts = target.slice(at + 1).split(/([&;])/);
  return `${redactText(target.slice(0, at))}${target[at]}${parts.map(redactParameter).join("")}`;
}

function redactParameter(parameter: string): string {
  const at = parameter.indexOf("=");
  const name = at < 0 ? "" : parameter.slice(0, at);
  return isSecretName(name) ? `${name}=${REDACTED}` : redactText(parameter);
}

/** Headers without secrets, in their order. */
export function redactHeaders(headers: HeaderList): HeaderList {
  return headers.map(([name, value]) => [name, isSecretName(name) ? REDACTED : redactText(value)]);
}

/** Plain data without secrets, down to where nobody looks any more. */
export function redactValue(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return redactText(value);
  if (typeof value !== "object" || value === null) return value;
  if (depth === MAX_DEPTH) return REDACTED;
  if (Array.isArray(value)) return value.map((item) => redactValue(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      isSecret(name, member) ? REDACTED : redactValue(member, depth + 1),
    ]),
  );
}

/** Numbers are counts and times, and an error's code is a word of our own. */
const isSecret = (name: string, value: unknown): boolean =>
  name !== "code" && typeof value !== "number" && value !== undefined && isSecretName(name);

function unencoded(text: string): string {
  let plain = text;
  for (let times = 0; times < MAX_ENCODINGS && plain.includes("%"); times++) {
    const next = plain.replace(/(?:%[0-9A-Fa-f]{2})+/g, decoded);
    if (next === plain) break;
    plain = next;
  }
  return plain;
}

function decoded(octets: string): string {
  try {
    return decodeURIComponent(octets);
  } catch {
    return octets;
  }
}
