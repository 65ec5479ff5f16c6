import type { IncomingMessage, ServerResponse } from "node:http";
import { type HubAddress, rpcPath, WEBHOOK_PATH } from "../binding.ts";
import type { Engine } from "../engine/engine.ts";
import { CallError, type Reply } from "./call.ts";
import { findRoute } from "./routes.ts";

interface Exchange {
  engine: Engine;
  address: HubAddress;
  request: IncomingMessage;
  response: ServerResponse;
}

/** Serves a request below one of the engine's two prefixes; returns false for any other. */
export function handle(exchange: Exchange): boolean {
  const url = new URL(exchange.request.url ?? "/", "http://localhost");
  const rest = below(url.pathname, WEBHOOK_PATH) ?? below(url.pathname, rpcPath(exchange.address));
  if (rest === undefined) return false;
  const leaving = new AbortController();
  exchange.response.once("close", () => leaving.abort());
  answer(exchange, rest, { query: url.searchParams, signal: leaving.signal }).then(
    (reply) => send(exchange.response, reply),
    (error: unknown) => send(exchange.response, errorReply(exchange, error)),
  );
  return true;
}

function below(pathname: string, prefix: string): string | undefined {
  const start = pathname.slice(0, prefix.length);
  const next = pathname[prefix.length];
  if (start.toLowerCase() !== prefix.toLowerCase() || (next !== "/" && next !== undefined))
    return undefined;
  return pathname.slice(prefix.length);
}

async function answer(
  { engine, address, request }: Exchange,
  path: string,
  { query, signal }: { query: URLSearchParams; signal: AbortSignal },
): Promise<Reply> {
  if (engine.isClosed) throw new CallError(503, "The Durable engine is stopping.");
  const [collection = "", ...segments] = path.split("/").filter(Boolean).map(decode);
  const route = findRoute(request.method ?? "GET", [collection, ...segments]);
  if (!route) throw new CallError(404, "There is no such operation.");
  return route({ engine, address, request, query, segments, signal });
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new CallError(400, `The path segment "${segment}" is not validly encoded.`);
  }
}

function errorReply({ engine, request }: Exchange, error: unknown): Reply {
  if (error instanceof CallError) return { status: error.status, text: error.message };
  // The client left while it was sending: nobody reads this answer.
  if (request.errored) return { status: 400, text: "The request was cut off." };
  const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
  engine.context.log(`Durable: a call failed: ${reason}`);
  return { status: 500, text: "The Durable engine failed; its log says why." };
}

function send(response: ServerResponse, reply: Reply): void {
  if (response.destroyed) return;
  const jsonText = reply.json === undefined ? reply.jsonText : JSON.stringify(reply.json);
  const body = Buffer.from(jsonText ?? reply.text ?? "");
  const type = jsonText === undefined ? "text/plain" : "application/json";
  response.writeHead(reply.status, {
    ...reply.headers,
    ...(body.length > 0 ? { "Content-Type": `${type}; charset=utf-8` } : {}),
    "Content-Length": body.length,
  });
  response.end(body);
}
