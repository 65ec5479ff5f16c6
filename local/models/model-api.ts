import type { IncomingMessage, ServerResponse } from "node:http";
import { type Clock, delay } from "../../shared/core/clock.ts";
import type { Fields } from "../../shared/core/fields.ts";
import { requestedTtftMs } from "./answer-plan.ts";
import { ApiError, badRequest } from "./api-error.ts";
import type { Call } from "./call-log.ts";
import type { Capacity } from "./capacity.ts";
import type { FaultCounter } from "./fault-counter.ts";
import { type Fault, parseFaultScript } from "./fault-script.ts";
import type { EndpointContext } from "./generation.ts";
import { refusalOf } from "./refusal.ts";
import { readBody } from "./request-body.ts";
import { ResponseStore } from "./response-store.ts";
import type { Route } from "./route.ts";
import { digest, seededRandom } from "./seeded-random.ts";
import { reset, stall } from "./send-frames.ts";
import { sendJson } from "./send-json.ts";
import { serveChat } from "./serve-chat.ts";
import { serveEmbeddings } from "./serve-embeddings.ts";
import { serveResponses } from "./serve-responses.ts";
import type { ModelSettings } from "./settings.ts";

/** The models that `GET /v1/models` lists; any other name is served all the same. */
const LISTED_MODELS = ["gpt-4o", "gpt-4o-mini", "gpt-5", "text-embedding-3-small"];
const LISTED_AT_SECONDS = 1_767_225_600;
const SCRIPT_PREFIX = "sim-";

/** The routes that a model serves, as opposed to those for tests. */
export type ModelRoute = Extract<
  Route,
  { name: "chat" | "embeddings" | "models" | `responses.${string}` }
>;

export interface ModelApiOptions {
  /** The endpoint's number, counted from 1. */
  readonly number: number;
  readonly seed: number;
  readonly clock: Clock;
  readonly faults: FaultCounter;
  readonly capacity: Capacity;
}

/** One call, with the settings that held when it came in. */
export interface ModelCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly settings: ModelSettings;
  readonly call: Call;
}

type CallWithSignal = ModelCall & { readonly signal: AbortSignal };

/** OpenAI's and Azure OpenAI's API, with its faults. Scope: one endpoint. */
export class ModelApi {
  readonly #options: ModelApiOptions;
  readonly #context: EndpointContext;
  #lastId = 0;

  constructor(options: ModelApiOptions) {
    const { seed, clock, capacity, number } = options;
    this.#options = options;
    this.#context = {
      seed,
      clock,
      capacity,
      responses: new ResponseStore(clock),
      speed: seededRandom(`speed ${seed} ${number}`),
      newId: (prefix) => this.#newId(prefix),
    };
  }

  /** Answers one call, well or as its fault says; throws what is to be answered as an error. */
  async serve(route: ModelRoute, modelCall: ModelCall): Promise<void> {
    const { request, response, call } = modelCall;
    const signal = goneSignal(response);
    response.setHeader("x-request-id", this.#newId("req_"));
    const body = await readBody(request);
    call.bodyBytes = body.bytes;
    call.bodySha256 = body.sha256;
    const json = body.json instanceof ApiError ? {} : body.json;
    const model = modelOf(route, json);
    call.model = model ?? null;
    const fault = this.#faultFor(request, model);
    if (fault) call.outcome = `fault:${fault.name}`;
    if (fault && (await this.#misbehave(fault, { ...modelCall, signal }))) return;
    if (route.name === "models") return sendJson(response, 200, listedModels());
    if ("id" in route) return sendJson(response, 200, this.#storedResponse(route));
    if (body.json instanceof ApiError) throw body.json;
    if (model === undefined) throw badRequest("You must provide a model parameter.", "model");
    const generation = { ...modelCall, signal, context: this.#context, body: json, model, fault };
    if (route.name === "chat") return await serveChat(generation, route.isAzure);
    if (route.name === "embeddings") return await serveEmbeddings(generation);
    await serveResponses(generation);
  }

  #storedResponse({ name, id }: Extract<ModelRoute, { id: string }>): object {
    const { responses } = this.#context;
    if (name === "responses.get") return responses.get(id);
    return name === "responses.cancel" ? responses.cancel(id) : responses.delete(id);
  }

  #faultFor(request: IncomingMessage, model: string | undefined): Fault | undefined {
    const script = request.headers["x-sim-fault"] ?? scriptInName(model);
    if (script === undefined) return undefined;
    const parsed = parseFaultScript(String(script));
    if (!parsed.ok) throw badRequest(`Bad fault script: ${parsed.problem}`, "x-sim-fault");
    const key = `${request.headers["x-sim-fault-key"] ?? ""} ${script}`;
    return this.#options.faults.next(key, parsed.rules, this.#options.number);
  }

  /** Does the faults that leave no room for an answer; true when the call is over with that. */
  async #misbehave(fault: Fault, modelCall: CallWithSignal): Promise<boolean> {
    const { request, response, signal } = modelCall;
    const { clock } = this.#options;
    const refusal = refusalOf(fault);
    const isAlone = fault.name === "reset" || fault.name === "stall" || fault.name === "empty";
    if (!refusal && !isAlone) return false;
    const waitMs = requestedTtftMs(request.headers) ?? 0;
    if (waitMs > 0) await delay(clock, waitMs, signal);
    if (refusal) throw refusal;
    if (fault.name === "reset") reset(response);
    else if (fault.name === "empty") response.writeHead(200, { "content-length": 0 }).end();
    else await stall({ response, clock, signal });
    return true;
  }

  #newId(prefix: string): string {
    const { seed, number, clock } = this.#options;
    this.#lastId += 1;
    return prefix + digest(`${seed} ${number} ${clock.now()} ${this.#lastId}`).slice(0, 32);
  }
}

/** Aborts when the response is closed before its end, whoever closed it. */
function goneSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) gone.abort(new Error("The client left."));
  });
  return gone.signal;
}

// On Azure's paths the deployment decides, and a model in the body is ignored.
function modelOf(route: ModelRoute, body: Fields): string | undefined {
  if ("deployment" in route && route.deployment !== undefined) return route.deployment;
  return typeof body["model"] === "string" ? body["model"] : undefined;
}

function scriptInName(model: string | undefined): string | undefined {
  return model?.startsWith(SCRIPT_PREFIX) ? model.slice(SCRIPT_PREFIX.length) : undefined;
}

function listedModels(): object {
  const data = LISTED_MODELS.map((id) => ({
    id,
    object: "model",
    created: LISTED_AT_SECONDS,
    owned_by: "simulated",
  }));
  return { object: "list", data };
}
