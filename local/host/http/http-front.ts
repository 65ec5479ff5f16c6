import { randomUUID } from "node:crypto";
import type { Clock } from "../../../shared/core/clock.ts";
import { RunningWork } from "../invocation/running-work.ts";
import { applyCors, type CorsSettings } from "./cors.ts";
import type { HttpFunction, HttpTransport } from "./http-call.ts";
import { type HostKeys, isAuthorized } from "./keys.ts";
import { answerPlainly } from "./plain-answer.ts";
import type { PublicRequest, PublicResponse } from "./public-messages.ts";
import type { RouteParams } from "./route-matcher.ts";
import type { Router } from "./router.ts";

export interface HttpFrontOptions {
  router: Router<HttpFunction>;
  transport: HttpTransport;
  /** Takes the paths of Durable's HTTP API; false means that the path is not one of them. */
  durable: (request: PublicRequest, response: PublicResponse) => boolean;
  admin: (path: string, request: PublicRequest, response: PublicResponse) => Promise<void>;
  keys: HostKeys | undefined;
  cors: CorsSettings;
  customHeaders: readonly (readonly [string, string])[];
  maxRequestBodyBytes: number;
  /** -1 is no limit. */
  maxOutstandingRequests: number;
  showsHomepage: boolean;
  clock: Clock;
}

// Another instance, or the next start, takes over about then.
const DRAIN_RETRY_AFTER_SECONDS = "5";
const PLATFORM_PATH = /^\/(?:runtime|durabletask)(?:\/|$)/i;
const WEBHOOK_PATH = /^\/runtime(?:\/|$)/i;
const ADMIN_PATH = /^\/admin(?:\/|$)/i;
// What may stand in a Host header, so that it makes a URL and nothing else.
const HOST_NAME = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;

/** Decides what becomes of each request. Scope: one host process. */
export class HttpFront {
  readonly #options: HttpFrontOptions;
  readonly #hasCors: boolean;
  readonly #outstanding: RunningWork;
  #isDraining = false;
  #lastGoodHost = "";

  constructor(options: HttpFrontOptions) {
    this.#options = options;
    this.#hasCors = options.cors.origins.length > 0;
    this.#outstanding = new RunningWork(options.clock);
  }

  /**
   * Refuses new calls and waits for the running ones. Durable's API stays open meanwhile, because
   * they may still need it.
   */
  drain(graceMs: number): Promise<boolean> {
    this.#isDraining = true;
    return this.#outstanding.ended(graceMs);
  }

  /** Serves one request; `proceed` asks a client that waits for `100 Continue` for its body. */
  handle(request: PublicRequest, response: PublicResponse, proceed?: () => void): void {
    if (!this.#isWellFormed(request)) {
      answerPlainly(response, 400, "Bad Request: the host or the request target is not valid.");
      return;
    }
    const { durable, cors, router } = this.#options;
    const { url = "/", method = "GET" } = request;
    const queryAt = url.indexOf("?");
    const path = queryAt < 0 ? url : url.slice(0, queryAt);
    if (this.#hasCors && applyCors(cors, request, response)) return;
    if (PLATFORM_PATH.test(path)) {
      proceed?.();
      if (WEBHOOK_PATH.test(path) && !this.#isMaster(request)) {
        answerPlainly(response, 401, "A system key is needed.");
        return;
      }
      if (durable(request, response)) return;
    }
    if (ADMIN_PATH.test(path)) {
      proceed?.();
      this.#administer(path, request, response);
      return;
    }
    const match = router.match(method, path);
    if (!match) this.#answerUnrouted(path, request, response);
    else this.#serve(match.target, { params: match.params, request, response }, proceed);
  }

  // Proxies may send the absolute form; everything behind this point sees the origin form.
  #isWellFormed(request: PublicRequest): boolean {
    const { host } = request.headers;
    if (host !== this.#lastGoodHost) {
      if (!host || !HOST_NAME.test(host)) return false;
      this.#lastGoodHost = host;
    }
    const { url = "" } = request;
    if (url.startsWith("/")) return true;
    if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) return false;
    // Not through URL, which would normalise the path that functions are to see as it was sent.
    const target = url.replace(/^https?:\/\/[^/?#]*/i, "");
    request.url = target.startsWith("/") ? target : `/${target}`;
    return true;
  }

  #isMaster(request: PublicRequest): boolean {
    return isAuthorized(this.#options.keys, { authLevel: "admin" }, request);
  }

  #administer(path: string, request: PublicRequest, response: PublicResponse): void {
    if (!this.#isMaster(request)) {
      answerPlainly(response, 401, "A master key is needed.");
      return;
    }
    this.#options
      .admin(path, request, response)
      .catch(() => answerPlainly(response, 500, "The admin request failed."));
  }

  #answerUnrouted(path: string, request: PublicRequest, response: PublicResponse): void {
    if (path === "/" && (request.method === "GET" || request.method === "HEAD")) {
      if (!this.#options.showsHomepage) answerPlainly(response, 204);
      else answerPlainly(response, 200, "Your function app is up and running.\n");
      return;
    }
    answerPlainly(response, 404, `Not Found: no function serves ${request.method} ${path}\n`);
  }

  #serve(
    target: HttpFunction,
    parts: { params: RouteParams; request: PublicRequest; response: PublicResponse },
    proceed: (() => void) | undefined,
  ): void {
    const { request, response } = parts;
    const { keys, maxRequestBodyBytes, maxOutstandingRequests, transport, customHeaders } =
      this.#options;
    const call = { ...parts, target, invocationId: randomUUID() };
    if (this.#isDraining) {
      response.setHeader("connection", "close");
      response.setHeader("retry-after", DRAIN_RETRY_AFTER_SECONDS);
      answerPlainly(response, 503, "The host is shutting down.\n");
      return;
    }
    const door = { authLevel: target.authLevel, functionName: target.fn.metadata.name };
    if (keys && !isAuthorized(keys, door, request)) {
      answerPlainly(response, 401, "A valid key is needed.");
      return;
    }
    if (maxOutstandingRequests >= 0 && this.#outstanding.count >= maxOutstandingRequests) {
      answerPlainly(response, 429, "Too many requests are outstanding.");
      return;
    }
    if (Number(request.headers["content-length"] ?? 0) > maxRequestBodyBytes) {
      answerTooLarge(response, maxRequestBodyBytes);
      return;
    }
    request.limitBody(maxRequestBodyBytes, () => answerTooLarge(response, maxRequestBodyBytes));
    for (const [name, value] of customHeaders) response.setHeader(name, value);
    proceed?.();
    this.#outstanding.track(transport.serve(call));
  }
}

function answerTooLarge(response: PublicResponse, limitBytes: number): void {
  if (response.headersSent) response.destroy();
  const text = `Request body too large. The max request body size is ${limitBytes} bytes.\n`;
  answerPlainly(response, 413, text);
}
