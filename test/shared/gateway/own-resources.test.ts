import { describe, expect, it } from "vitest";
import { headerValue } from "../../../shared/core/headers.ts";
import { handleRequest } from "../../../shared/gateway/index.ts";
import { refuseOwnResource } from "../../../shared/gateway/own-resources.ts";
import { createGateway, fakeEngine, requestTo } from "../../support/gateway.ts";
import { textOf } from "../../support/streams.ts";

async function ask(method: string, target: string) {
  const gateway = createGateway();
  const request = requestTo(gateway, { method, target });
  const { status, headers, body } = await handleRequest(gateway.services, request, fakeEngine());
  return { status, allow: headerValue(headers, "allow"), text: await textOf(body) };
}

describe("a resource of the gateway's own", () => {
  it.each([
    ["PUT", "/jobs", "GET"],
    ["POST", "/jobs/?state=queued", "GET"],
    ["PUT", "/Jobs/batch", "POST"],
    ["POST", "/jobs/one", "DELETE, GET, PATCH"],
    ["POST", "/jobs/one/result", "GET"],
    ["DELETE", "/usage?group=user", "GET"],
    ["POST", "/operations/status", "GET"],
    ["PUT", "/operations/dead-letters/lane-standard/7", "DELETE"],
  ])(
    "refuses %s %s, says what it takes, and no backend hears of it",
    async (method, target, allow) => {
      const answer = await ask(method, target);
      expect([answer.status, answer.allow]).toEqual([405, allow]);
      expect(JSON.parse(answer.text)).toMatchObject({ code: "method-not-allowed" });
    },
  );

  it.each(["/jobsite", "/v1/jobs", "/v1/fine_tuning/jobs/x", "/usages", "/jobs/x/y/z"])(
    "is not %s",
    (target) => {
      expect(() => refuseOwnResource({ method: "POST", target })).not.toThrow();
    },
  );
});
