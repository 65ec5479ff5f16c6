import { createServer, type Server } from "node:http";
import { StartError } from "../../service.ts";
import type { PortReservation } from "../port-reservation.ts";
import { PublicRequest, PublicResponse } from "./public-messages.ts";

export type PublicServer = Server<typeof PublicRequest, typeof PublicResponse>;

/** Serves one request; `proceed` asks a client that waits for `100 Continue` for its body. */
export type PublicHandler = (
  request: PublicRequest,
  response: PublicResponse,
  proceed?: () => void,
) => void;

// Kestrel's limits, so that clients meet the same ones:
// https://learn.microsoft.com/aspnet/core/fundamentals/servers/kestrel/options
const KEEP_ALIVE_TIMEOUT_MS = 130_000;
const HEADERS_TIMEOUT_MS = 30_000;
const MAX_HEADER_BYTES = 32_768;
const NO_TIMEOUT = 0;

/** Creates the server that clients reach. Long uploads are legal, so only headers have a deadline. */
export function createPublicServer(handle: PublicHandler): PublicServer {
  const server: PublicServer = createServer({
    IncomingMessage: PublicRequest,
    ServerResponse: PublicResponse,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: NO_TIMEOUT,
    maxHeaderSize: MAX_HEADER_BYTES,
    joinDuplicateHeaders: true,
    noDelay: true,
  });
  server.on("request", (request, response) => handle(request, response));
  server.on("checkContinue", (request, response) =>
    handle(request, response, () => response.writeContinue()),
  );
  return server;
}

/** Listens where the reservation says; a taken port is a `StartError` that names it. */
export function listen(server: Server, { port, handle }: PortReservation): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      reject(new StartError(sentenceFor(error, port), { cause: error }));
    };
    const onListening = (): void => {
      server.off("error", onError);
      resolve();
    };
    server.once("error", onError);
    if (typeof handle === "number") server.listen(handle, "127.0.0.1", onListening);
    else server.listen(handle, onListening);
  });
}

function sentenceFor(error: NodeJS.ErrnoException, port: number): string {
  return error.code === "EADDRINUSE"
    ? `Port ${port} is taken, and the gateway needs it. Stop what uses it, or set PORT to a free port.`
    : `Port ${port} cannot be used for the gateway (${error.code ?? error.message}). Set PORT to another one.`;
}

// Responses that are written may still be on their way to a slow client.
const FLUSH_DEADLINE_MS = 1000;

/** Stops listening and closes all connections, after a moment for those that still send. */
export function closePublicServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    if (!server.listening) {
      resolve();
      return;
    }
    const timer = setTimeout(() => server.closeAllConnections(), FLUSH_DEADLINE_MS);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
