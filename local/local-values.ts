import { join } from "node:path";
import { parseLocalSettings } from "./host/config/local-settings.ts";
import { readJsonFile } from "./host/config/read-json-file.ts";
import { StartError } from "./service.ts";

/** What the stack provides itself: a file made for Core Tools names its own. */
const OF_THE_STACK = /^(?:AzureWebJobsStorage|ServiceBusConnection|FUNCTIONS_WORKER_RUNTIME)/;

type Environment = Readonly<Record<string, string | undefined>>;

/** The environment, with the Values of local.settings.json for what it leaves open. */
export function withLocalValues(root: string, env: Environment): Environment {
  const document = readJsonFile(join(root, "local.settings.json"), { optional: true });
  if (document === undefined) return env;
  const { value, problems } = parseLocalSettings(document);
  if (problems.length > 0) throw new StartError(problems.join("\n"));
  const own = Object.entries(value.values).filter(
    ([name]) => !OF_THE_STACK.test(name) && !env[name],
  );
  return { ...env, ...Object.fromEntries(own) };
}
