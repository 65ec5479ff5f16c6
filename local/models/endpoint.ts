import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Clock } from "../../shared/core/clock.ts";
import { ApiError, badRequest } from "./api-error.ts";
import { type Call, CallLog } from "./call-log.ts";
import { Capacity } from "./capacity.ts";
import type { FaultCounter } from "./fault-counter.ts";
import { ModelApi } from "./model-api.ts";
import { showOperation, startOperation } from "./operations.ts";
import { readBody } from "./request-body.ts";
import { findRoute, type Route } from "./route.ts";
import { sendJson } from "./send-json.ts";
import { type ModelSettings, parseSettingsPatch } from "./settings.ts";
import { bytes, echo } from "./transport-probes.ts";

// Longer than HTTP clients keep an idle socket, so that the client closes it, not we.
const KEEP_ALIVE_MS = 120_000;

export interface EndpointOptions {
  /** Counted from 1. */
  readonly number: number;
  readonly seed: number;
  readonly clock: Clock;
  readonly settings: ModelSettings;
  readonly faults: FaultCounter;
}

/** One simulated backend with a capacity of its own. Scope: one listening port. */
export class Endpoint {
  readonly server: Server;
  readonly #options: EndpointOptions;
  readonly #api: ModelApi;
  readonly #capacity: Capacity;
  readonly #calls = new CallLog();
  #settings: ModelSettings;

  constructor(options: EndpointOptions) {
    const { clock } = options;
    this.#options = options;
    this.#settings = options.settings;
    this.#capacity = new Capacity(clock);
    this.#api = new ModelApi({ ...options, capacity: this.#capacity });
    this.server = createServer((request, response) => {
      void this.#serve(request, response);
    });
    // A long stall is a fault a caller may ask for; the client decides how long it waits.
    this.server.requestTimeout = 0;
    this.server.keepAliveTimeout = KEEP_ALIVE_MS;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const route = findRoute(request.method ?? "", request.url ?? "");
    try {
      await this.#answer(route, request, response);
    } catch (error) {
      answerError(error, response);
    }
  }

  async #answer(route: Route, request: IncomingMessage, response: ServerResponse): Promise<void> {
    switch (route.name) {
      case "health":
        return sendJson(response, 200, { status: "ok", endpoint: this.#options.number });
      case "echo":
        return await echo(request, response);
      case "bytes":
        return await bytes(request.url ?? "", response, this.#options.seed);
      case "operation.start":
        return startOperation(request.url ?? "", response, this.#options.clock);
      case "operation":
        return showOperation(response, route, this.#options.clock);
      case "calls":
        return sendJson(response, 200, this.#callReport());
      case "calls.clear":
        return this.#clear(response);
      case "settings":
        return sendJson(response, 200, this.#settings);
      case "settings.change":
        return await this.#changeSettings(request, response);
      case "missing-api-version":
      case "unknown":
        throw new ApiError(404, `Unknown request URL: ${request.method} ${request.url}.`, {
          code: "unknown_url",
        });
      default:
        return await this.#api.serve(route, {
          request,
          response,
          settings: this.#settings,
          call: this.#record(request, response),
        });
    }
  }

  #record(request: IncomingMessage, response: ServerResponse): Call {
    const { clock } = this.#options;
    const { method = "", url = "", rawHeaders } = request;
    const call = this.#calls.begin({ method, path: url, rawHeaders, startedAt: clock.now() });
    response.once("close", () => {
      call.endedAt = clock.now();
      call.status = response.headersSent ? response.statusCode : null;
      if (call.outcome !== "running") return;
      if (!response.writableFinished) call.outcome = "client-left";
      else call.outcome = response.statusCode < 400 ? "completed" : "refused";
    });
    return call;
  }

  #callReport(): object {
    const { number } = this.#options;
    return { endpoint: number, inFlight: this.#capacity.inFlight, ...this.#calls.snapshot() };
  }

  #clear(response: ServerResponse): void {
    this.#calls.clear();
    this.#options.faults.reset();
    response.writeHead(204).end();
  }

  async #changeSettings(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { json } = await readBody(request);
    if (json instanceof ApiError) throw json;
    const parsed = parseSettingsPatch(json);
    if (!parsed.ok) throw badRequest(parsed.problem);
    this.#settings = { ...this.#settings, ...parsed.patch };
    sendJson(response, 200, this.#settings);
  }
}

function answerError(error: unknown, response: ServerResponse): void {
  // The client left, or the answer is already on its way: there is nobody to tell.
  if (response.destroyed || response.headersSent) {
    response.destroy();
    return;
  }
  const answer = error instanceof ApiError ? error : new ApiError(500, String(error));
  response.writeHead(answer.status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(answer.body),
    ...answer.headers,
  });
  response.end(answer.body);
}
