import { app, type HttpMethod } from "@azure/functions";
import type { GatewayResponse } from "../shared/core/http.ts";
import {
  type DeadLettersQuery,
  listDeadLetters,
  type Services,
  settleDeadLetters,
} from "../shared/gateway/index.ts";
import { answeringHandler } from "./answering-handler.ts";
import type { AppContext } from "./app-context.ts";

interface Asked extends DeadLettersQuery {
  readonly queue: string;
  readonly sequenceNumber: string | undefined;
}

interface Route {
  readonly name: string;
  readonly route: string;
  readonly method: HttpMethod;
  readonly answer: (services: Services, asked: Asked) => Promise<GatewayResponse>;
}

const ALL = "operations/dead-letters";
const ONE = `${ALL}/{queue}/{sequenceNumber}`;

const redrive: Route["answer"] = (services, asked) =>
  settleDeadLetters(services, { ...asked, action: "redrive" });
const discard: Route["answer"] = (services, asked) =>
  settleDeadLetters(services, { ...asked, action: "discard" });

const ROUTES: readonly Route[] = [
  { name: "deadLetterList", route: ALL, method: "GET", answer: listDeadLetters },
  { name: "deadLetterRedrive", route: `${ONE}/redrive`, method: "POST", answer: redrive },
  { name: "deadLetterDiscard", route: ONE, method: "DELETE", answer: discard },
  { name: "deadLettersRedrive", route: `${ALL}/{queue}/redrive`, method: "POST", answer: redrive },
  { name: "deadLettersDiscard", route: `${ALL}/{queue}`, method: "DELETE", answer: discard },
];

/** What operators may see of the dead letters, and do with them. */
export function registerDeadLetters(context: AppContext): void {
  for (const route of ROUTES) register(context, route);
}

function register(context: AppContext, { name, route, method, answer }: Route): void {
  const { services } = context.owned;
  app.http(name, {
    route,
    methods: [method],
    authLevel: context.authLevel,
    handler: answeringHandler(context, ({ request, params }) => {
      const { headers, target } = request;
      const { queue = "", sequenceNumber } = params;
      return answer(services, { headers, target, queue, sequenceNumber });
    }),
  });
}
