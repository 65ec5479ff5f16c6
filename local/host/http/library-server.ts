import { randomUUID } from "node:crypto";
import diagnosticsChannel from "node:diagnostics_channel";
import {
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { StartError } from "../../service.ts";
import { INVOCATION_ID_HEADER } from "./public-messages.ts";

interface RequestStart {
  request: IncomingMessage;
  response: ServerResponse;
  server: Server;
}

const PROBE_DEADLINE_MS = 10_000;

/**
 * Finds the HTTP server that the library opened for streaming: a probe with an id of its own is
 * sent to it and met again on node's diagnostics channel, which names the server.
 */
export function findLibraryServer(httpUri: string): Promise<Server> {
  const probeId = randomUUID();
  const port = Number(new URL(httpUri).port);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => finish(new Error("no answer")), PROBE_DEADLINE_MS);
    const onRequest = (message: unknown): void => {
      const { request, response, server } = message as RequestStart;
      if (request.headers[INVOCATION_ID_HEADER] !== probeId) return;
      response.end();
      finish(undefined, server);
    };
    const finish = (error: Error | undefined, server?: Server): void => {
      clearTimeout(timer);
      diagnosticsChannel.unsubscribe("http.server.request.start", onRequest);
      if (server) resolve(server);
      else
        reject(
          new StartError(`The library's stream server at ${httpUri} failed: ${error?.message}`),
        );
    };
    diagnosticsChannel.subscribe("http.server.request.start", onRequest);
    httpRequest({
      host: "127.0.0.1",
      port,
      agent: false,
      headers: { [INVOCATION_ID_HEADER]: probeId },
    })
      .on("response", (response) => response.resume())
      .on("error", finish)
      .end();
  });
}

/** Closes the library's server, which it never does itself and which would hold the process. */
export function closeLibraryServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    if (!server.listening) {
      resolve();
      return;
    }
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
