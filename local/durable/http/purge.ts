import { hasEnded } from "../store/instance-table.ts";
import { type Call, CallError, noInstance, type Reply } from "./call.ts";
import { instanceFilter } from "./instance-filter.ts";

// Bounds one transaction; a purge of many goes page by page.
const PURGE_PAGE = 200;

/** DELETE instances/{instanceId}. */
export async function purgeInstance({ engine, segments }: Call): Promise<Reply> {
  const { store } = engine.context;
  const [instanceId = ""] = segments;
  const outcome = await store.commit(() => {
    const row = store.instances.get(instanceId);
    if (!row) return "missing";
    if (!hasEnded(row.status)) return "running";
    store.purge(instanceId);
    return "purged";
  });
  if (outcome === "missing") return noInstance(instanceId);
  if (outcome === "running") {
    throw new CallError(409, `Instance '${instanceId}' has not ended: terminate it first.`);
  }
  return { status: 200, json: { instancesDeleted: 1 } };
}

/** DELETE instances?createdTimeFrom=...; instances that have not ended are left alone. */
export async function purgeInstances({ engine, query, request }: Call): Promise<Reply> {
  const { store } = engine.context;
  const filter = { ...instanceFilter(query, request), limit: PURGE_PAGE };
  if (filter.createdFrom === undefined) {
    throw new CallError(400, "createdTimeFrom is required.");
  }
  let instancesDeleted = 0;
  let rows = store.instances.list(filter);
  while (rows.length > 0) {
    const last = rows[rows.length - 1];
    instancesDeleted += await store.commit(() => {
      const ended = rows.filter(({ instanceId }) => {
        const row = store.instances.get(instanceId);
        return row !== undefined && hasEnded(row.status);
      });
      for (const { instanceId } of ended) store.purge(instanceId);
      return ended.length;
    });
    rows = last && !engine.isClosed ? store.instances.list({ ...filter, after: last }) : [];
  }
  return instancesDeleted > 0
    ? { status: 200, json: { instancesDeleted } }
    : { status: 404, text: "No instance matches." };
}
