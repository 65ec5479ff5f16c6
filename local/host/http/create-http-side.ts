import type { Clock } from "../../../shared/core/clock.ts";
import type { AppFunction } from "../app/app-function.ts";
import type { ExtraInputs } from "../app/durable-bindings.ts";
import { httpRoutes } from "../app/http-functions.ts";
import type { LoadedConfig } from "../config/load-config.ts";
import type { HostOptions } from "../index.ts";
import type { HostLog } from "../invocation/host-log.ts";
import type { Invoker } from "../invocation/invoker.ts";
import type { TriggerListener } from "../trigger-listener.ts";
import { createAdminApi } from "./admin-api.ts";
import { createBufferedTransport } from "./buffered-transport.ts";
import { createBypassTransport } from "./bypass-transport.ts";
import type { HttpTransport } from "./http-call.ts";
import { HttpFront, type HttpFrontOptions } from "./http-front.ts";
import { closeLibraryServer, findLibraryServer } from "./library-server.ts";
import { createProxyTransport } from "./proxy-transport.ts";
import { closePublicServer, createPublicServer, type PublicServer } from "./public-server.ts";
import { createRouter } from "./router.ts";

export interface HttpSideOptions {
  options: HostOptions;
  config: LoadedConfig;
  functions: readonly AppFunction[];
  runByHand(functionName: string): TriggerListener | undefined;
  invoker: Invoker;
  log: HostLog;
  clock: Clock;
  origin: string;
  /** Where the library streams; absent when the app buffers. */
  httpUri: string | undefined;
  extraInputs: ExtraInputs;
  durable: HttpFrontOptions["durable"];
}

/** Everything that serves HTTP, ready to listen. */
export interface HttpSide {
  readonly server: PublicServer;
  readonly problems: readonly string[];
  /** Serves; requests that came before wait until then. */
  open(): void;
  drain(graceMs: number): Promise<boolean>;
  close(): Promise<void>;
}

// https://learn.microsoft.com/azure/azure-functions/functions-app-settings#functions_request_body_size_limit
const DEFAULT_MAX_REQUEST_BODY_BYTES = 104_857_600;

/** Puts router, transport, admin API and server together. */
export async function createHttpSide(parts: HttpSideOptions): Promise<HttpSide> {
  const { config, functions, extraInputs, clock, options } = parts;
  const opened = Promise.withResolvers<void>();
  const server = createPublicServer((request, response, proceed) => {
    if (isOpen) front.handle(request, response, proceed);
    else
      opened.promise.then(
        () => front.handle(request, response, proceed),
        () => {},
      );
  });
  let isOpen = false;
  const { http } = config.host.extensions;
  const { router, problems } = createRouter(httpRoutes(functions, extraInputs), http.routePrefix);
  const limit = bodyLimit(process.env["FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"]);
  const transport = await createTransport(parts, server);
  const front = new HttpFront({
    router,
    transport,
    durable: parts.durable,
    admin: createAdminApi(adminOptions(parts)),
    keys: options.keys,
    cors: config.local.cors,
    customHeaders: Object.entries(http.customHeaders),
    maxRequestBodyBytes: limit ?? DEFAULT_MAX_REQUEST_BODY_BYTES,
    maxOutstandingRequests: http.maxOutstandingRequests,
    showsHomepage: process.env["AzureWebJobsDisableHomepage"]?.toLowerCase() !== "true",
    clock,
  });
  return {
    server,
    problems: limit === undefined ? [...problems, BAD_LIMIT] : problems,
    open() {
      isOpen = true;
      opened.resolve();
    },
    drain: (graceMs) => front.drain(graceMs),
    async close() {
      await closePublicServer(server);
      await transport.close();
    },
  };
}

const BAD_LIMIT = "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: expected a whole number of bytes";

function bodyLimit(text: string | undefined): number | undefined {
  if (!text) return DEFAULT_MAX_REQUEST_BODY_BYTES;
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

async function createTransport(
  { invoker, log, httpUri, options }: HttpSideOptions,
  publicServer: PublicServer,
): Promise<HttpTransport> {
  if (!httpUri) return createBufferedTransport(invoker);
  const libraryServer = await findLibraryServer(httpUri);
  if (options.httpMode === "proxy") return createProxyTransport({ invoker, log, libraryServer });
  // The library answers through this server's events; nothing needs to reach its port any more.
  await closeLibraryServer(libraryServer);
  return createBypassTransport({ invoker, log, publicServer, libraryServer });
}

function adminOptions({ functions, runByHand, origin, clock }: HttpSideOptions) {
  return {
    functions: functions.map(({ fn, name, isDisabled }) => {
      const listener = runByHand(name);
      return {
        fn,
        isDisabled,
        runByHand: listener && ((input: string) => listener.runByHand(input)),
      };
    }),
    hostId: `local-${process.pid}`,
    origin,
    startedAt: clock.now(),
    now: () => clock.now(),
  };
}
