import { DEPENDENCIES_AND_WIRE } from "./table/dependencies-and-wire.ts";
import { IDENTITY } from "./table/identity.ts";
import { PATHS_AND_SIZES } from "./table/paths-and-sizes.ts";
import { PERMISSIONS } from "./table/permissions.ts";
import { SERVER_SIDE_REQUESTS } from "./table/server-side-requests.ts";
import { SPLITTING } from "./table/splitting.ts";
import { TENANTS_AND_SECRETS } from "./table/tenants-and-secrets.ts";
import { TOKENS } from "./table/tokens.ts";
import type { Weakening } from "./weakening.ts";

/** Every weakening, theme by theme. */
export const WEAKENINGS: readonly Weakening[] = [
  ...TOKENS,
  ...IDENTITY,
  ...SPLITTING,
  ...SERVER_SIDE_REQUESTS,
  ...PATHS_AND_SIZES,
  ...TENANTS_AND_SECRETS,
  ...PERMISSIONS,
  ...DEPENDENCIES_AND_WIRE,
];
