/** Variables by name, as `process.env` has them. */
export type Environment = Record<string, string | undefined>;

/** Sources of settings from the strongest to the weakest, below what is already set. */
export type SettingSources = readonly Readonly<Record<string, string>>[];

/**
 * Puts settings into the environment where no variable of that name holds anything yet, the way
 * Core Tools does it: an empty variable counts as absent, an empty setting is set.
 */
export function applySettings(environment: Environment, sources: SettingSources): void {
  for (const settings of sources) {
    for (const [name, value] of Object.entries(settings)) {
      if (!environment[name]) environment[name] = value;
    }
  }
}

/** What the platform itself says about the place where the app runs. */
export function applyPlatformVariables(
  environment: Environment,
  { hostName, appDir }: { hostName: string; appDir: string },
): void {
  // durable-functions rewrites its URLs to port 7071 when WEBSITE_HOSTNAME is missing.
  environment["WEBSITE_HOSTNAME"] = hostName;
  environment["AzureWebJobsScriptRoot"] = appDir;
  environment["AZURE_FUNCTIONS_ENVIRONMENT"] = "Development";
  environment["FUNCTIONS_WORKER_RUNTIME"] ||= "node";
}
