import { remembered } from "../core/remembered.ts";

/**
 * The list: names of headers, query parameters and JSON members whose values are secrets. Compared in
 * lower case and without what is no letter and no digit; a name that ends with one of them is one, too,
 * and so is one that is a plural of it, or has a number behind it.
 */
const SECRET_NAMES = [
  "authorization",
  "authorizationheader",
  "auth",
  "apikey",
  "subscriptionkey",
  "functionskey",
  "operatorkey",
  "accesskey",
  "accountkey",
  "adminkey",
  "appkey",
  "authkey",
  "clientkey",
  "credentialkey",
  "encryptionkey",
  "hostkey",
  "litellmkey",
  "masterkey",
  "primarykey",
  "privatekey",
  "secondarykey",
  "secretkey",
  "servicekey",
  "sharedkey",
  "signingkey",
  "storagekey",
  "virtualkey",
  "xkey",
  "token",
  "accesstoken",
  "tokenaad",
  "secret",
  "password",
  "passwd",
  "passphrase",
  "pwd",
  "signature",
  "hmac",
  "cookie",
  "credential",
  "connectionstring",
  "assertion",
  "codeverifier",
  "dpop",
  "instrumentationkey",
  "clientprincipal",
  "sastoken",
] as const;

/** As {@link SECRET_NAMES}, but only as a whole: within longer names they say nothing. */
const SECRET_WHOLE_NAMES = new Set([
  "key",
  "code",
  "sig",
  "sas",
  "jwt",
  "pat",
  "pass",
  "otp",
  "jsessionid",
  "phpsessid",
]);

// Looked for at its first digit only: a name of digits would be gone through from each of them.
const NUMBER = /v?(?<!\d)\d+$/;
// Many tokens are a count.
const PLURAL = /(?<!token)s$/;
const MAX_ENCODINGS = 3;

/** Whether a name is one of the list's. */
export const isSecretName: (name: string) => boolean = remembered((name) => {
  const plain = unencoded(name)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, "");
  if (SECRET_WHOLE_NAMES.has(plain)) return true;
  const stem = plain.replace(NUMBER, "").replace(PLURAL, "");
  return SECRET_NAMES.some((secret) => stem.endsWith(secret));
});

/** The text with what is percent-encoded in it as it was before, however often it was done. */
export function unencoded(text: string): string {
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
