import type { HeaderList } from "../core/headers.ts";
import { remembered } from "../core/remembered.ts";
import { REDACTED, redactNamed } from "./redact-named.ts";
import { isSecretName, unencoded } from "./secret-names.ts";

/**
 * What is a secret by its looks, wherever it stands: keys of OpenAI, Anthropic, Stripe, Google, GitHub, AWS
 * and others; webhook secrets; JSON web tokens; keys of Azure's own services.
 */
const SECRET_WORDS = new RegExp(
  [
    "\\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{8,}",
    "\\bAIza[A-Za-z0-9_-]{20,}",
    "\\bya29\\.[A-Za-z0-9_-]{8,}",
    "\\bgh[pousr]_[A-Za-z0-9]{16,}",
    "\\bgithub_pat_[A-Za-z0-9_]{16,}",
    "\\b(?:gsk|hf|npm|r8|nvapi|glpat|xai|xox[abeoprs])[-_][A-Za-z0-9_-]{16,}",
    "\\b(?:AKIA|ASIA)[A-Z0-9]{12,}",
    "\\bwhsec_[A-Za-z0-9+/=_-]{8,}",
    "\\beyJ[A-Za-z0-9_-]{4,}\\.[A-Za-z0-9_-]{2,}(?:\\.[A-Za-z0-9_-]*)*",
    "(?<![A-Za-z0-9])[A-Za-z0-9]{84}(?![A-Za-z0-9])",
    "(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{86}==",
  ].join("|"),
  "g",
);

/** What is a secret by what stands before it, which stays. */
const SECRETS_BEHIND: readonly RegExp[] = [
  /\b((?:basic|digest|negotiate|sharedaccesssignature)\s+\\{0,64}["']?)[^\s"',;\\]+/gi,
  /\b(bearer[\s:=]\s*\\{0,64}["']?)[^\s"',;\\]+/gi,
  /(-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----)[^-]+/g,
  // Options of a command, elements of a document, and what OpenAI answers to a wrong key.
  /((?<!\S)--?[a-z-]{0,32}(?:key|token|password|secret)\s+\\{0,64}["']?)[^\s"',;\\]+/gi,
  /(<[a-z:_-]{0,32}(?:key|token|password|secret)>)[^<]+/gi,
  /(\bAPI key provided:\s*)[^\s"',;]+/gi,
];

/** Who stands before a host in an address, with a password or as one. */
const USER_IN_ADDRESS = /(\/\/)[^/\s"'<>?#]+@/g;

// What is longer is cut: nobody reads it, and each pattern has its price.
const MAX_TEXT_LENGTH = 16_384;
const WORD = /^[A-Za-z0-9_.-]*$/;
const ENCODED = /%[0-9A-Fa-f]{2}/;
const MAX_DEPTH = 12;

/** The text without secrets, however they are written or encoded in it; what is very long is cut. */
export function redactText(text: string): string {
  const short = text.length > MAX_TEXT_LENGTH ? text.slice(0, MAX_TEXT_LENGTH) : text;
  // Most of what is told is an id, a name or a word: nothing in it can stand before anything.
  return WORD.test(short) ? short.replace(SECRET_WORDS, REDACTED) : redactPhrase(short);
}

const redactPhrase = remembered((text: string): string => {
  const named = unescaped(text).replace(USER_IN_ADDRESS, `$1${REDACTED}@`);
  const plain = ENCODED.test(named) ? named.split(/(\s+)/).map(redactEncoded).join("") : named;
  return SECRETS_BEHIND.reduce(
    (left, shape) => left.replace(shape, `$1${REDACTED}`),
    redactNamed(plain.replace(SECRET_WORDS, REDACTED)),
  );
});

/** Letters that JSON wrote by their numbers; quotes and backslashes stay, or they would end texts. */
function unescaped(text: string): string {
  if (!text.includes("\\u00")) return text;
  return text.replace(/\\u00((?!22|27|5c)[2-7][0-9a-f])/gi, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
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
  if (Array.isArray(value)) {
    return value.map((item, at) =>
      isSecretText(value[at - 1], item) ? REDACTED : redactValue(item, depth + 1),
    );
  }
  const { name: named, key: keyed = named } = value as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      isSecret(name, member) || (name === "value" && isSecretText(keyed, member))
        ? REDACTED
        : redactValue(member, depth + 1),
    ]),
  );
}

/** Headers are lists, too: of pairs, or of a name behind the other's value. */
const isSecretText = (name: unknown, value: unknown): boolean =>
  typeof value === "string" && typeof name === "string" && isSecretName(name);

/** Numbers are counts and times, and an error's code is a word of our own. */
const isSecret = (name: string, value: unknown): boolean =>
  name !== "code" && typeof value !== "number" && value !== undefined && isSecretName(name);
