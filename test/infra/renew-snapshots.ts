import { findBicep } from "../support/bicep-cli.ts";
import { SNAPSHOT_NAMES, takeSnapshot, writeSnapshot } from "../support/infra-snapshot.ts";

/** `npm run snapshots`: expands the templates anew, after infra/ was changed. Needs the Bicep CLI. */
const cli = findBicep();
if (cli === undefined) {
  process.stderr.write("There is no Bicep CLI: put it on the PATH, or name it in BICEP.\n");
  process.exitCode = 1;
} else {
  for (const deployment of SNAPSHOT_NAMES) {
    writeSnapshot(deployment, takeSnapshot(cli, deployment));
    process.stdout.write(`${deployment}\n`);
  }
}
