import type { HistoryEvent } from "../history-events.ts";
import { hasEnded } from "../store/instance-table.ts";
import { type Call, noInstance, type Reply } from "./call.ts";
import { continuationHeader, instanceFilter } from "./instance-filter.ts";
import { statusView } from "./status-view.ts";

/** GET instances/{instanceId}. */
export function getStatus({ engine, query, request, segments }: Call): Reply {
  const { instances } = engine.context.store;
  const [instanceId = ""] = segments;
  const row = instances.get(instanceId);
  if (!row) return noInstance(instanceId);
  const history = flag(query, "showHistory", false)
    ? (JSON.parse(`[${instances.readHistory(instanceId).join(",")}]`) as HistoryEvent[])
    : undefined;
  const json = statusView(row, {
    showInput: flag(query, "showInput", true),
    showHistoryOutput: flag(query, "showHistoryOutput", false),
    ...(history && { history }),
  });
  if (!hasEnded(row.status)) {
    const location = `${engineOrigin(request.headers.host)}${request.url}`;
    return { status: 202, headers: { Location: location, "Retry-After": "5" }, json };
  }
  const isError =
    row.status === "Failed" && flag(query, "returnInternalServerErrorOnFailure", false);
  return { status: isError ? 500 : 200, json };
}

/** GET instances, with the filters of the management API and a continuation token. */
export function listInstances({ engine, query, request }: Call): Reply {
  const filter = instanceFilter(query, request);
  // One more than asked for tells whether there is another page.
  const rows = engine.context.store.instances.list({ ...filter, limit: filter.limit + 1 });
  const page = rows.slice(0, filter.limit);
  const parts = { showInput: flag(query, "showInput", true), showHistoryOutput: false };
  return {
    status: 200,
    headers: rows.length > page.length ? continuationHeader(page.at(-1)) : {},
    json: page.map((row) => statusView(row, parts)),
  };
}

function flag(query: URLSearchParams, name: string, byDefault: boolean): boolean {
  const value = query.get(name);
  return value === null ? byDefault : value.toLowerCase() === "true";
}

const engineOrigin = (host: string | undefined): string => (host ? `http://${host}` : "");
