import { HttpRequest, HttpResponse, InvocationContext } from "@azure/functions";
import { describe, expect, it } from "vitest";
import { answeringHandler } from "../../functions/answering-handler.ts";
import type { AppContext } from "../../functions/app-context.ts";
import { HttpConnections } from "../../functions/http-connections.ts";
import { jsonResponse } from "../../shared/core/http.ts";
import { readUsage } from "../../shared/gateway/index.ts";
import { createGateway } from "../support/gateway.ts";

const connections = new HttpConnections();

/** The answer to a call of the gateway's own interface. */
async function answerTo(
  url: string,
  { authLevel, answer }: Pick<AppContext, "authLevel"> & { answer: typeof readUsage },
) {
  const { services } = createGateway();
  const owned = { services } as AppContext["owned"];
  const handler = answeringHandler({ owned, connections, authLevel }, ({ request }) =>
    answer(services, request),
  );
  const answered = await handler(new HttpRequest({ method: "GET", url }), new InvocationContext());
  if (answered === undefined || answered instanceof HttpResponse) throw new Error("no answer");
  return { status: answered.status, text: String(answered.body) };
}

describe("a function of the gateway's own interface", () => {
  it("takes a key in the query, as the platform does, and reads the rest without it", async () => {
    const url = "http://gateway.test/usage?code=key-1&group=user";
    const answer = await answerTo(url, { authLevel: "function", answer: readUsage });
    expect(answer).toMatchObject({ status: 200, text: expect.stringContaining('"rows":[]') });
  });

  it("leaves a query alone where no key is asked for", async () => {
    const answer: typeof readUsage = async (_, { target }) => jsonResponse(200, { target });
    const { text } = await answerTo("http://gateway.test/usage?code=a", {
      authLevel: "anonymous",
      answer,
    });
    expect(JSON.parse(text)).toEqual({ target: "/usage?code=a" });
  });
});
