import {
  app,
  type HttpMethod,
  type HttpRequest,
  type HttpResponse,
  type HttpResponseInit,
  type InvocationContext,
} from "@azure/functions";
import * as df from "durable-functions";
import { openApiDocument } from "../shared/api/index.ts";
import { type GatewayResponse, jsonResponse } from "../shared/core/http.ts";
import {
  acceptBatch,
  answering,
  cancelJob,
  type JobChange,
  listJobs,
  moveJob,
  readBatchErrors,
  readJob,
  readJobResult,
  type Services,
} from "../shared/gateway/index.ts";
import type { AppContext } from "./app-context.ts";
import { toGatewayRequest, toHttpResponse } from "./http-exchange.ts";
import { createJobEngine } from "./job-engine.ts";

type Answer = (services: Services, change: JobChange) => Promise<GatewayResponse>;

interface JobRoute {
  readonly name: string;
  readonly route: string;
  readonly method: HttpMethod;
  readonly answer: Answer;
}

const ROUTES: readonly JobRoute[] = [
  { name: "jobList", route: "jobs", method: "GET", answer: listJobs },
  { name: "jobBatch", route: "jobs/batch", method: "POST", answer: acceptBatch },
  { name: "jobStatus", route: "jobs/{id}", method: "GET", answer: readJob },
  { name: "jobCancel", route: "jobs/{id}", method: "DELETE", answer: cancelJob },
  { name: "jobMove", route: "jobs/{id}", method: "PATCH", answer: moveJob },
  { name: "jobResult", route: "jobs/{id}/result", method: "GET", answer: readJobResult },
  { name: "jobErrors", route: "jobs/{id}/errors", method: "GET", answer: readBatchErrors },
  {
    name: "openApi",
    route: "openapi.json",
    method: "GET",
    answer: async () => jsonResponse(200, openApiDocument()),
  },
];

/** The job API, and the document that describes it. */
export function registerJobs(context: AppContext): void {
  for (const route of ROUTES) register(context, route);
}

function register(
  { owned, connections }: AppContext,
  { name, route, method, answer }: JobRoute,
): void {
  const { services } = owned;
  const handler = async (
    request: HttpRequest,
    context: InvocationContext,
  ): Promise<HttpResponse | HttpResponseInit> => {
    const requestId = services.newId();
    const receivedAt = services.clock.now();
    const { headers, target, body } = toGatewayRequest(request, context, {
      connections,
      requestId,
      receivedAt,
    });
    const id = request.params["id"] ?? "";
    const change = { id, headers, target, body, engine: createJobEngine(context) };
    const response = await answering(services, requestId, () => answer(services, change));
    return toHttpResponse(response, connections.find(context.invocationId));
  };
  app.http(name, {
    route,
    methods: [method],
    authLevel: "anonymous",
    extraInputs: [df.input.durableClient()],
    handler,
  });
}
