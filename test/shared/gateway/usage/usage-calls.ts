import { BackendFailure } from "../../../../shared/backends/index.ts";
import { handleRequest } from "../../../../shared/gateway/index.ts";
import { createGateway, requestTo, type TestGateway } from "../../../support/gateway.ts";

/** Heads of answers. */
export const SSE = [["content-type", "text/event-stream"]] as const;
export const JSON_TYPE = [["content-type", "application/json"]] as const;
/** What a backend tells, and what is noted of it. */
export const USAGE = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 };
export const TOKENS = { inputTokens: 7, outputTokens: 3, totalTokens: 10 };
/** An event of a stream of chat. */
export const chunk = (value: object): string =>
  `data: ${JSON.stringify({ id: "c", model: "gpt-4o", ...value })}\n\n`;
/** One that says something. */
export const say = (content: string, more = {}): string =>
  chunk({ choices: [{ index: 0, delta: { content } }], ...more });
export const STOP = chunk({ choices: [{ delta: {}, finish_reason: "stop" }] });
export const TOLD = chunk({ choices: [], usage: USAGE });
export const DONE = "data: [DONE]\n\n";

/** A gateway before two backends. */
export const open = (env: Record<string, string> = {}): TestGateway =>
  createGateway({
    GATEWAY_SYNC_MODE: "direct",
    LoadBalanceMode: "roundrobin",
    Host2: "http://backend-2.test",
    ...env,
  });

/** A stream that is asked for. */
export const CHAT = {
  target: "/v1/chat/completions",
  headers: [
    ["content-type", "application/json"],
    ["X-UserID", "ann"],
    ["accept-encoding", "gzip, br"],
  ],
  body: '{"model":"asked","stream":true,"messages":[]}',
} as const;

export type Change = Parameters<typeof requestTo>[1];
/** Has a request answered. */
export const serve = (gateway: TestGateway, change: Change = {}) =>
  handleRequest(gateway.services, requestTo(gateway, { ...CHAT, ...change }), undefined);

/** A stream that breaks off behind these texts. */
export async function* broken(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
  throw new BackendFailure("reset", "broke", { mayHaveBegun: true });
}

/** What was noted, without what is of no interest here. */
export const uses = (gateway: TestGateway) =>
  gateway.uses.map(({ kind, backend, status, provenance, tokens, model }) => ({
    kind,
    backend,
    status,
    provenance,
    ...(tokens ? { tokens } : {}),
    ...(model ? { model } : {}),
  }));
