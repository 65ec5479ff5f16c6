import { Agent, request as httpRequest, type IncomingMessage, type Server } from "node:http";
import { pipeline } from "node:stream";
import { systemClock } from "../../../shared/core/clock.ts";
import type { HostLog } from "../invocation/host-log.ts";
import type { Invoker } from "../invocation/invoker.ts";
import type { HttpCall, HttpTransport } from "./http-call.ts";
import { hasClientLeft, httpInvocation } from "./http-invocation.ts";
import { closeLibraryServer } from "./library-server.ts";
import { hasBody, INVOCATION_ID_HEADER } from "./public-messages.ts";
import { reportSilence, settleResponse } from "./settle-response.ts";

const HOP_BY_HOP = [
  "connection",
  "keep-alive",
  "transfer-encoding",
  "upgrade",
  "expect",
  "te",
  "trailer",
];

/**
 * Streams over a real TCP hop to the library's server, as the platform's forwarder does. Slower than
 * the bypass; kept so that the two can be compared.
 */
export function createProxyTransport({
  invoker,
  log,
  libraryServer,
}: {
  invoker: Invoker;
  log: HostLog;
  libraryServer: Server;
}): HttpTransport {
  const agent = new Agent({ keepAlive: true });
  const run = (call: HttpCall): Promise<unknown> =>
    invoker.run(call.target.fn, httpInvocation(call), () => hasClientLeft(call));
  return {
    async serve(call) {
      const hop = forward(call, { agent, libraryServer });
      const isDone = await succeeds(run(call));
      if (isDone && (await hop.begins())) return hop.ended;
      if (isDone) reportSilence(log, call);
      const isRepaired = await succeeds(invoker.answer(call.target.fn, call.invocationId, 500));
      if (isRepaired && (await hop.begins())) return hop.ended;
      hop.abort();
      settleResponse(call, 500);
    },
    async close() {
      agent.destroy();
      await closeLibraryServer(libraryServer);
    },
  };
}

interface Hop {
  /** Whether the library's response arrives. Asked once the invocation is over. */
  begins(): Promise<boolean>;
  /** The response has gone to the client, or failed to. */
  readonly ended: Promise<void>;
  abort(): void;
}

// The library resolves an invocation when it has written; the bytes arrive one turn of I/O later.
const ARRIVAL_DEADLINE_MS = 1000;

function forward(
  call: HttpCall,
  { agent, libraryServer }: { agent: Agent; libraryServer: Server },
): Hop {
  const { request, response } = call;
  // The library may answer without reading a body; its connection could then serve no other call.
  const ownAgent = hasBody(request) ? new Agent({ keepAlive: true }) : undefined;
  const upstream = httpRequest({
    host: "127.0.0.1",
    port: (libraryServer.address() as { port: number }).port,
    agent: ownAgent ?? agent,
    method: request.method,
    path: request.url,
    headers: forwardedHeaders(call),
  });
  const begun = Promise.withResolvers<boolean>();
  const ended = Promise.withResolvers<void>();
  upstream.once("response", (answer) => {
    begun.resolve(true);
    copyHead(answer, call);
    pipeline(answer, response, () => ended.resolve());
  });
  upstream.once("error", () => begun.resolve(false));
  pipeline(request, upstream, () => {});
  response.once("close", () => {
    if (!response.writableFinished) upstream.destroy();
    ownAgent?.destroy();
  });
  return {
    ended: ended.promise,
    begins() {
      // This clock reads what has come in before it gives up, also in a process that was held up.
      const cancel = systemClock.schedule(ARRIVAL_DEADLINE_MS, () => begun.resolve(false));
      return begun.promise.finally(cancel);
    },
    abort: () => upstream.destroy(),
  };
}

function forwardedHeaders({ request, invocationId }: HttpCall): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined && !HOP_BY_HOP.includes(name)) headers[name] = value;
  }
  headers["x-forwarded-host"] = request.headers.host ?? "";
  headers["x-forwarded-proto"] = "http";
  headers[INVOCATION_ID_HEADER] = invocationId;
  return headers;
}

function copyHead(answer: IncomingMessage, { response }: HttpCall): void {
  response.statusCode = answer.statusCode ?? 500;
  for (const [name, value] of Object.entries(answer.headers)) {
    if (value !== undefined && !HOP_BY_HOP.includes(name)) response.setHeader(name, value);
  }
}

const succeeds = (work: Promise<unknown>): Promise<boolean> =>
  work.then(
    () => true,
    () => false,
  );
