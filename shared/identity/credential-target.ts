// As the services that are called through a gateway name them: Functions, API Management, storage, others.
const CREDENTIAL_PARAMETERS = new Set([
  "access-token",
  "access_token",
  "api-key",
  "api_key",
  "apikey",
  "auth_token",
  "client_secret",
  "code",
  "id_token",
  "key",
  "ocp-apim-subscription-key",
  "password",
  "sig",
  "signature",
  "subscription-key",
  "subscription_key",
  "token",
  "x-amz-credential",
  "x-amz-security-token",
  "x-amz-signature",
  "x-api-key",
  "x-functions-key",
  "x-goog-credential",
  "x-goog-signature",
]);

/** A request's path and query without the parameters that hold credentials; every other byte as it came. */
export function withoutCredentials(target: string): string {
  const queryAt = target.indexOf("?");
  if (queryAt < 0) return target;
  const parameters = target.slice(queryAt + 1).split("&");
  const open = parameters.filter((parameter) => !isCredential(parameter));
  if (open.length === parameters.length) return target;
  const path = target.slice(0, queryAt);
  return open.length === 0 ? path : `${path}?${open.join("&")}`;
}

function isCredential(parameter: string): boolean {
  const name = /^[^=]*/.exec(parameter)?.[0] ?? "";
  return CREDENTIAL_PARAMETERS.has(decoded(name).toLowerCase());
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
