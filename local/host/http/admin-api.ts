import { HOST_VERSION } from "../core/core-module.ts";
import type { RegisteredFunction } from "../core/function-registry.ts";
import { answerPlainly } from "./plain-answer.ts";
import type { PublicRequest, PublicResponse } from "./public-messages.ts";

/** A function as the admin API shows it. */
export interface AdminFunction {
  readonly fn: RegisteredFunction;
  readonly isDisabled: boolean;
  /** Runs the function by hand with the given input; absent for triggers that cannot. */
  readonly runByHand: ((input: string) => Promise<unknown>) | undefined;
}

export interface AdminApiOptions {
  readonly functions: readonly AdminFunction[];
  readonly hostId: string;
  readonly origin: string;
  readonly startedAt: number;
  readonly now: () => number;
}

const MAX_INPUT_BYTES = 1_048_576;

/** Serves `/admin/...`: the host's state, its functions, and runs by hand. */
export function createAdminApi(
  options: AdminApiOptions,
): (path: string, request: PublicRequest, response: PublicResponse) => Promise<void> {
  return async (path, request, response) => {
    const [, , area, name, ...rest] = path.toLowerCase().replace(/\/$/, "").split("/");
    const { method = "GET" } = request;
    if (rest.length > 0) return notFound(response);
    if (area === "host" && name === "ping" && (method === "GET" || method === "POST")) {
      return answerPlainly(response, 200);
    }
    if (area === "host" && name === "status" && method === "GET") {
      return answerPlainly(response, 200, status(options));
    }
    if (area !== "functions") return notFound(response);
    if (!name) {
      if (method !== "GET") return notFound(response);
      return answerPlainly(
        response,
        200,
        options.functions.map((entry) => describe(entry, options)),
      );
    }
    const entry = options.functions.find(({ fn }) => fn.metadata.name.toLowerCase() === name);
    if (!entry) return notFound(response);
    if (method === "GET") return answerPlainly(response, 200, describe(entry, options));
    if (method === "POST") return runByHand(entry, request, response);
    return notFound(response);
  };
}

const notFound = (response: PublicResponse): void =>
  answerPlainly(response, 404, "There is no such admin endpoint.");

function status({ hostId, startedAt, now }: AdminApiOptions): object {
  return {
    id: hostId,
    state: "Running",
    version: HOST_VERSION,
    versionDetails: HOST_VERSION,
    instanceId: hostId,
    processUptime: now() - startedAt,
  };
}

function describe({ fn, isDisabled }: AdminFunction, { origin }: AdminApiOptions): object {
  const { name, bindings } = fn.metadata;
  return {
    name,
    href: `${origin}/admin/functions/${name}`,
    isDisabled,
    isDirect: true,
    language: "node",
    config: { bindings: Object.values(bindings) },
  };
}

async function runByHand(
  { fn, runByHand }: AdminFunction,
  request: PublicRequest,
  response: PublicResponse,
): Promise<void> {
  if (!runByHand) {
    return answerPlainly(response, 400, `Function "${fn.metadata.name}" cannot be run by hand.`);
  }
  const input = await readInput(request);
  if (input === undefined) return answerPlainly(response, 400, 'Expected {"input": "..."}.');
  // The caller learns that it was started; how it ended is in the log.
  runByHand(input).catch(() => {});
  answerPlainly(response, 202);
}

async function readInput(request: PublicRequest): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).byteLength;
    if (bytes > MAX_INPUT_BYTES) return undefined;
    chunks.push(chunk as Buffer);
  }
  const text = Buffer.concat(chunks).toString("utf8");
  if (text === "") return "";
  try {
    const { input = "" } = JSON.parse(text) as { input?: unknown };
    return typeof input === "string" ? input : JSON.stringify(input);
  } catch {
    return undefined;
  }
}
