import { describe, expect, it } from "vitest";
import { type Backend, type PolicyWorld, runPolicy } from "./run-policy.ts";

const NAMED = {
  "gateway-jobs-url": "https://func-jobs.test",
  "gateway-stream-url": "https://func-stream.test",
  "gateway-audience": "api://gateway",
};
const CLAIMS = { oid: "user-1", azp: "app-1" };
const HEADERS = {
  Authorization: "Bearer of the caller",
  "X-UserProfile": "somebody else",
  "x-userid": "somebody else",
  "x-ms-client-principal-id": "another app",
  "X-Operator-Key": "guessed",
  "Idempotency-Key": "key-1",
};
const VOUCHED = {
  "Idempotency-Key": "key-1",
  Authorization: "Bearer token for api://gateway",
  "X-UserProfile": "user-1",
  "X-UserID": "user-1",
  "X-MS-CLIENT-PRINCIPAL-ID": "app-1",
};

function world(backend: Backend, more: Partial<PolicyWorld> = {}): PolicyWorld {
  return { namedValues: NAMED, backend, cache: new Map(), now: () => 0, claims: CLAIMS, ...more };
}

const ask = (policy: string, asked: PolicyWorld, url: string) =>
  runPolicy(`policies/${policy}.xml`, asked, { url, headers: HEADERS });

describe("submitting a job through API Management", () => {
  const accepted: Backend = () => ({
    status: 202,
    headers: { location: "/jobs/job-1", "Retry-After": "1", "x-Data-Blob-URI": "https://blob" },
    body: "{}",
  });

  it.each([
    ["", "https://apim.test/async/openai/x?api-version=1", "https://apim.test/jobs/job-1"],
    ["ai", "https://apim.test/ai/async/openai/x?api-version=1", "https://apim.test/ai/jobs/job-1"],
  ])("answers 202 with the job's address on its own host, below %j", (apiPath, url, location) => {
    const { response, calls } = ask("submit-job", world(accepted, { apiPath }), url);
    expect(calls[0]?.url).toBe("https://func-jobs.test/openai/x?api-version=1");
    expect(calls[0]?.headers).toEqual({ ...VOUCHED, S7PAsyncMode: "true" });
    expect(response).toEqual({
      status: 202,
      headers: { Location: location, "Retry-After": "1", "x-Data-Blob-URI": "https://blob" },
      body: "{}",
    });
  });

  it("passes on what the gateway refuses, and what it answers at once", () => {
    for (const status of [200, 403, 429]) {
      const refused: Backend = () => ({ status, headers: { "Retry-After": "7" }, body: "why" });
      const { response } = ask("submit-job", world(refused), "https://apim.test/async/x");
      expect(response).toEqual({ status, headers: { "Retry-After": "7" }, body: "why" });
    }
  });

  it("says when the gateway cannot be reached", () => {
    const { response } = ask(
      "submit-job",
      world(() => "timeout"),
      "https://apim.test/x",
    );
    expect(response).toMatchObject({ status: 503, headers: { "Retry-After": "5" } });
  });
});

describe("submitting a batch through API Management", () => {
  it("answers with the job's address on its own host, below the path of the API", () => {
    const headers = { Location: "/jobs/batch-1", "Retry-After": "1" };
    const asked = world(() => ({ status: 202, headers, body: "{}" }), { apiPath: "ai" });
    const request = { method: "POST", url: "https://apim.test/ai/jobs/batch", headers: HEADERS };
    const { response, calls } = runPolicy("policies/read-job.xml", asked, request);
    expect(calls.map(({ url }) => url)).toEqual(["https://func-jobs.test/jobs/batch"]);
    const Location = "https://apim.test/ai/jobs/batch-1";
    expect(response).toMatchObject({ status: 202, headers: { Location, "Retry-After": "1" } });
  });
});

describe.each([
  ["stream", "https://func-stream.test/v1/chat/completions", "/v1/chat/completions"],
  ["read-job", "https://func-jobs.test/jobs/job-1/result", "/jobs/job-1/result"],
])("the policy %s", (policy, url, path) => {
  it("vouches for the caller, and lets nobody say that they are somebody else", () => {
    const asked = world(() => ({ status: 200, headers: { "content-type": "text/event-stream" } }));
    const { response, calls } = ask(policy, asked, `https://apim.test${path}`);
    expect(calls).toEqual([{ url, headers: VOUCHED, timeoutSeconds: 235 }]);
    expect(response.headers).toEqual({ "content-type": "text/event-stream" });
  });

  it("names the application where no user calls", () => {
    const asked = world(() => ({ status: 200, headers: {} }), { claims: { appid: "app-2" } });
    const [call] = ask(policy, asked, `https://apim.test${path}`).calls;
    expect(call?.headers).toMatchObject({ "X-UserProfile": "app-2", "X-UserID": "app-2" });
  });

  it("lets nobody in without a token", () => {
    const { claims: _, ...strangers } = world(() => ({ status: 200, headers: {} }));
    const { response, calls } = ask(policy, strangers, `https://apim.test${path}`);
    expect([response.status, calls]).toEqual([401, []]);
  });
});
