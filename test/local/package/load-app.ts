import { Session } from "node:inspector/promises";
import { createRequire } from "node:module";
import { supplyFunctionsCore } from "../../support/functions-core.ts";

/**
 * `node load-app.ts FILE` loads an app as the Functions worker does, and tells what that took: how often
 * functions of the file were called, and which parts of node are loaded behind it.
 */
const [, , file = ""] = process.argv;
supplyFunctionsCore();
const session = new Session();
session.connect();
await session.post("Profiler.enable");
await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
createRequire(import.meta.url)(file);
const { result } = await session.post("Profiler.takePreciseCoverage");
const calls = result
  .filter(({ url }) => url.endsWith(file))
  .flatMap(({ functions }) => functions)
  .reduce((sum, { ranges: [whole] }) => sum + (whole?.count ?? 0), 0);
const { moduleLoadList } = process as unknown as { moduleLoadList: readonly string[] };
process.stdout.write(`\n${JSON.stringify({ calls, parts: moduleLoadList })}`);
process.exit(0);
