/** What a host in Azure runs of an app: `http`, `durable`, or one function with a trigger of its own. */
const TARGET_GROUP = "FUNCTIONS_TARGET_GROUP";

/**
 * Whether messages for a function are sure to come to this instance. On Flex Consumption each queue has
 * instances of its own, and its host says which functions it runs; where it does not say, nothing is sure.
 * https://learn.microsoft.com/azure/azure-functions/flex-consumption-plan#per-function-scaling
 */
export function runsHere(
  name: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): boolean {
  const group = env[TARGET_GROUP];
  if (group) return group.toLowerCase() === `function:${name}`.toLowerCase();
  return !env["WEBSITE_INSTANCE_ID"];
}
