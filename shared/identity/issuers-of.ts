// One identity service under two names: Resource Manager says the first, its tokens the second.
const CHINA = ["https://login.chinacloudapi.cn", "https://login.partner.microsoftonline.cn"];
const FIRST_VERSION = "https://sts.windows.net";
const FIRST_VERSION_CHINA = "https://sts.chinacloudapi.cn";

/**
 * The issuers that a tenant's tokens may name, of version 2 and of version 1. Azure Government issues the first
 * version under the public cloud's name, China under its own.
 * https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
 */
export function issuersOf(authority: string, tenant: string): string[] {
  const isChina = CHINA.includes(authority);
  const authorities = isChina ? CHINA : [authority];
  const first = isChina ? FIRST_VERSION_CHINA : FIRST_VERSION;
  return [...authorities.map((origin) => `${origin}/${tenant}/v2.0`), `${first}/${tenant}/`];
}
