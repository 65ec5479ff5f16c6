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
export const withoutCredentials = (target: string): string =>
  withoutParameters(target, (name) => CREDENTIAL_PARAMETERS.has(name));

/** The same without the key of the function itself, which the platform has checked. */
export const withoutFunctionKey = (target: string): string =>
  withoutParameters(target, (name) => name === "code");

function withoutParameters(target: string, isDropped: (name: string) => boolean): string {
  const queryAt = target.indexOf("?");
  if (queryAt < 0) return target;
  const parameters = target.slice(queryAt + 1).split("&");
  const open = parameters.filter((parameter) => !isDropped(nameOf(parameter)));
  if (open.length === parameters.length) return target;
  const path = target.slice(0, queryAt);
  return open.length === 0 ? path : `${path}?${open.join("&")}`;
}

const nameOf = (parameter: string): string =>
  decoded(/^[^=]*/.exec(parameter)?.[0] ?? "").toLowerCase();

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
