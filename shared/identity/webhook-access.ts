/** Where a user's jobs may send webhooks. */
export interface WebhookAccess {
  /** URLs; those that end with `*` stand for all that begin with them. */
  readonly urls: readonly string[];
  /** Name of the secret that signs them, in lower case. */
  readonly secret: string;
}

const WILDCARD = "*";
const MAX_URL_LENGTH = 2048;
const SECRET_NAME = /^[a-z0-9_-]{1,64}$/;

/** Reads `webhooks=URL URL` and `webhooksecret=NAME` of an `async-config`; without both there are none. */
export function readWebhookAccess(fields: ReadonlyMap<string, string>): {
  readonly webhooks: WebhookAccess | undefined;
  readonly warnings: readonly string[];
} {
  const listed = (fields.get("webhooks") ?? "").split(/\s+/).filter((text) => text !== "");
  if (listed.length === 0) return { webhooks: undefined, warnings: [] };
  const secret = (fields.get("webhooksecret") ?? "").toLowerCase();
  if (!SECRET_NAME.test(secret)) {
    return { webhooks: undefined, warnings: ["webhooks need webhooksecret; none are sent"] };
  }
  const urls = listed.flatMap((text) => normalised(text) ?? []);
  const warnings = urls.length < listed.length ? ["webhooks has what is no usable URL"] : [];
  return urls.length === 0
    ? { webhooks: undefined, warnings }
    : { webhooks: Object.freeze({ urls, secret }), warnings };
}

/** The webhooks of a job that names none: all that are named in full. */
export function defaultWebhooks({ urls }: WebhookAccess): readonly string[] {
  return urls.filter((url) => !url.endsWith(WILDCARD));
}

/** The URL as it is called, when it is among those that a user's jobs may call; undefined otherwise. */
export function allowedWebhook({ urls }: WebhookAccess, asked: string): string | undefined {
  if (asked.length > MAX_URL_LENGTH || asked.endsWith(WILDCARD)) return undefined;
  // Compared as it is called: with its dot segments resolved and its host in one spelling.
  const url = normalised(asked);
  if (url === undefined) return undefined;
  const isAllowed = urls.some((allowed) =>
    allowed.endsWith(WILDCARD) ? url.startsWith(allowed.slice(0, -1)) : url === allowed,
  );
  return isAllowed ? url : undefined;
}

function normalised(text: string): string | undefined {
  const isPattern = text.endsWith(WILDCARD);
  const url = URL.parse(isPattern ? text.slice(0, -1) : text);
  if (!url || !/^https?:$/.test(url.protocol)) return undefined;
  if (url.username !== "" || url.password !== "" || url.hash !== "") return undefined;
  // A pattern ends behind a slash at the least, or "https://a.example*" would allow a.example.evil.
  return isPattern ? `${url.href}${WILDCARD}` : url.href;
}
