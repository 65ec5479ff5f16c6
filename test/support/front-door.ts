import {
  Agent,
  type ClientRequest,
  type IncomingMessage,
  type RequestListener,
  request,
  type ServerResponse,
} from "node:http";
import { startServer } from "./http-server.ts";

/** The apps that stand side by side, by their URLs. */
export interface AppUrls {
  readonly stream: string;
  /** The instances of the jobs app. */
  readonly jobs: readonly string[];
}

export interface FrontDoorOptions {
  readonly apps: AppUrls;
  /** Whether every request goes to the jobs app, as where the gateway's requests wait in lanes. */
  readonly isQueued: boolean;
}

/** One URL before both apps. */
export interface FrontDoor extends AsyncDisposable {
  readonly origin: string;
}

/**
 * What API Management is before the apps of an enterprise: jobs, and requests that ask for one, go to
 * the jobs app, everything else to the stream app. Each request of the jobs app goes to its next
 * instance, so that whoever accepts is seldom who is asked afterwards.
 */
export async function openFrontDoor({ apps, isQueued }: FrontDoorOptions): Promise<FrontDoor> {
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  let turn = 0;
  const nextInstance = (): string => apps.jobs[turn++ % apps.jobs.length] ?? apps.stream;
  const serve: RequestListener = (asked, answer) => {
    const to = isQueued || isForJobs(asked) ? nextInstance() : apps.stream;
    forward({ asked, answer }, to, agent);
  };
  const { origin, server, [Symbol.asyncDispose]: end } = await startServer(serve);
  // How long anything may take is for the gateway to say.
  Object.assign(server, { requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 60_000 });
  return {
    origin,
    async [Symbol.asyncDispose]() {
      if (!server.listening) return;
      agent.destroy();
      await end();
    },
  };
}

// What the stream app has no part of, and the platform's own doors to what only the jobs app has.
const JOBS_PATH =
  /^\/(?:jobs|operations\/dead-letters|admin\/functions|runtime\/webhooks\/durabletask)(?:[/?]|$)/;

function isForJobs({ url = "", headers }: IncomingMessage): boolean {
  if (JOBS_PATH.test(url)) return true;
  const prefer = String(headers["prefer"] ?? "");
  return headers["s7pasyncmode"] !== undefined || /respond-async|wait=/i.test(prefer);
}

interface Exchange {
  readonly asked: IncomingMessage;
  readonly answer: ServerResponse;
}

/** Passes a request on as it is written, and its answer; either side's early end is the other's. */
function forward({ asked, answer }: Exchange, origin: string, agent: Agent): void {
  const { hostname, port } = new URL(origin);
  const { method, url: path, rawHeaders: headers } = asked;
  const call: ClientRequest = request({
    ...{ hostname, port, method, path, headers, agent },
    setHost: false,
    setDefaultHeaders: false,
  });
  call.on("error", () => answer.destroy());
  answer.on("close", () => {
    if (!answer.writableFinished) call.destroy();
  });
  asked.on("error", () => call.destroy());
  call.on("response", (response) => {
    answer.sendDate = false;
    const { statusCode = 502, statusMessage } = response;
    answer.writeHead(statusCode, statusMessage, response.rawHeaders);
    answer.flushHeaders();
    response.on("error", () => answer.destroy());
    response.on("end", () => answer.addTrailers(pairsOf(response.rawTrailers)));
    response.pipe(answer);
  });
  asked.pipe(call);
}

function pairsOf(flat: readonly string[]): [string, string][] {
  return flat.flatMap((name, n) => (n % 2 === 0 ? [[name, flat[n + 1] ?? ""]] : []));
}
