import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { AzuriteServer } from "./azurite.ts";
import type { Commit } from "./commit-before-answer.ts";

const EXTENTS_COLLECTION = "$EXTENTS_COLLECTION$";

/**
 * Keeps files and journal in step over a crash, in both directions: a file that no committed
 * extent names is removed at start (its upload was never answered, and Azurite's garbage collection
 * would not find it), and later a file goes only after the deletes that freed it are committed.
 */
export function keepExtentsInStep(azurite: AzuriteServer, folder: string, commit: Commit): void {
  removeOrphans(azurite, folder);
  const store = azurite.extentStore;
  if (!store) return;
  const { deleteExtents } = store;
  store.deleteExtents = async (ids) => (commit() ? deleteExtents.call(store, ids) : 0);
}

function removeOrphans(azurite: AzuriteServer, folder: string): void {
  const extents = azurite.extentMetadataStore?.db.getCollection(EXTENTS_COLLECTION)?.data ?? [];
  const known = new Set(extents.map((extent) => ("id" in extent ? extent.id : undefined)));
  for (const name of readdirSync(folder)) {
    if (!known.has(name)) rmSync(join(folder, name), { force: true });
  }
}
