/** What a request asks for; `deployment` is set on Azure's paths. */
export type Route =
  | { name: "chat"; deployment?: string; isAzure: boolean }
  | { name: "embeddings"; deployment?: string; isAzure: boolean }
  | { name: "responses.create" }
  | { name: "responses.get" | "responses.cancel" | "responses.delete"; id: string }
  | { name: "models" }
  | { name: "health" | "echo" | "bytes" | "calls" | "calls.clear" | "settings" | "settings.change" }
  | { name: "operation.start" }
  | { name: "operation"; id: string; isResult: boolean }
  | { name: "missing-api-version" }
  | { name: "unknown" };

const CONTROL: Readonly<Record<string, Route["name"]>> = {
  "GET /health": "health",
  "GET /sim/bytes": "bytes",
  "POST /sim/operations": "operation.start",
  "GET /sim/calls": "calls",
  "DELETE /sim/calls": "calls.clear",
  "GET /sim/settings": "settings",
  "POST /sim/settings": "settings.change",
};

// OpenAI's `/v1`, Azure's `/openai/v1` and Azure's dated paths, which need an api-version.
const API = /^\/(?:openai\/)?v1(\/.*)$/;
const AZURE_DEPLOYMENT = /^\/openai\/deployments\/([^/]+)(\/.*)$/;
const AZURE = /^\/openai(\/(?:responses|models)(?:\/.*)?)$/;
const OPERATION = /^\/sim\/operations\/(\d{1,15})(\/result)?$/;
const RESPONSE = /^\/responses\/([^/]+)(\/cancel)?$/;

/** Finds the route of a request line; it never throws. */
export function findRoute(method: string, target: string): Route {
  const [path = "", query = ""] = target.split("?", 2);
  if (path === "/sim/echo") return { name: "echo" };
  const control = CONTROL[`${method} ${path}`];
  if (control) return { name: control } as Route;
  const [, operation, result] = OPERATION.exec(path) ?? [];
  if (method === "GET" && operation !== undefined) {
    return { name: "operation", id: operation, isResult: result !== undefined };
  }
  const api = API.exec(path)?.[1];
  if (api) return apiRoute(method, api, {});
  const [, deployment, below] = AZURE_DEPLOYMENT.exec(path) ?? [];
  const azure = below ?? AZURE.exec(path)?.[1];
  if (!azure) return { name: "unknown" };
  if (!new URLSearchParams(query).has("api-version")) return { name: "missing-api-version" };
  return apiRoute(
    method,
    azure,
    deployment === undefined ? {} : { deployment: decode(deployment) },
  );
}

function apiRoute(method: string, path: string, where: { deployment?: string }): Route {
  const isAzure = where.deployment !== undefined;
  if (method === "POST" && path === "/chat/completions") return { name: "chat", isAzure, ...where };
  if (method === "POST" && path === "/embeddings") return { name: "embeddings", isAzure, ...where };
  if (isAzure) return { name: "unknown" };
  if (method === "POST" && path === "/responses") return { name: "responses.create" };
  if (method === "GET" && path === "/models") return { name: "models" };
  const [, id, cancel] = RESPONSE.exec(path) ?? [];
  if (id === undefined) return { name: "unknown" };
  if (cancel) return method === "POST" ? { name: "responses.cancel", id } : { name: "unknown" };
  if (method === "GET") return { name: "responses.get", id };
  return method === "DELETE" ? { name: "responses.delete", id } : { name: "unknown" };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
