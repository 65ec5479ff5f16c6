/** A function app, as far as its settings are looked at. */
const AN_APP = { WEBSITE_SITE_NAME: "app", GATEWAY_ROLE: "stream" };
const A_TENANT = "00000000-0000-0000-0000-000000000000";

/** The app settings that infra/main.bicep makes of azd's values, as far as an app may refuse them. */
export function deployedSettings(answers: ReadonlyMap<string, string>): Record<string, string> {
  const listOf = (name: string): string[] => JSON.parse(answers.get(name) ?? "[]");
  const hosts = listOf("GATEWAY_HOSTS").map((host, index) => [`Host${index + 1}`, host]);
  const audiences = listOf("GATEWAY_AUDIENCES");
  const authentication: Record<string, string> =
    audiences.length === 0
      ? { GATEWAY_AUTHENTICATION: "function-key" }
      : {
          GATEWAY_AUTHENTICATION: "entra",
          GATEWAY_AUTH_TENANTS: A_TENANT,
          GATEWAY_AUTH_AUDIENCES: audiences.join(","),
          GATEWAY_AUTH_APPS: listOf("GATEWAY_CALLER_APPLICATIONS").join(","),
          GATEWAY_AUTH_TRUSTED_CALLERS: listOf("GATEWAY_TRUSTED_CALLERS").join(","),
        };
  const given: Record<string, string> = JSON.parse(answers.get("GATEWAY_SETTINGS") ?? "{}");
  const settings: Record<string, string> = {
    ...AN_APP,
    ...authentication,
    ...Object.fromEntries(hosts),
    ...given,
  };
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => !isReference(value)));
}

/** What the platform reads out of a vault is seen there first. */
const isReference = (value: string): boolean => value.startsWith("@Microsoft.KeyVault(");
