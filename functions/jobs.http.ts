import { app, type HttpMethod } from "@azure/functions";
import * as df from "durable-functions";
import { openApiDocument } from "../shared/api/index.ts";
import { type GatewayResponse, jsonResponse } from "../shared/core/http.ts";
import {
  acceptBatch,
  cancelJob,
  type JobChange,
  listJobs,
  moveJob,
  readBatchErrors,
  readJob,
  readJobResult,
  type Services,
} from "../shared/gateway/index.ts";
import { answeringHandler } from "./answering-handler.ts";
import type { AppContext } from "./app-context.ts";
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

function register(context: AppContext, { name, route, method, answer }: JobRoute): void {
  const { services } = context.owned;
  app.http(name, {
    route,
    methods: [method],
    authLevel: context.authLevel,
    extraInputs: services.jobs ? [df.input.durableClient()] : [],
    handler: answeringHandler(context, ({ request, params: { id = "" }, context: invocation }) => {
      const { headers, target, body } = request;
      return answer(services, { id, headers, target, body, engine: createJobEngine(invocation) });
    }),
  });
}
