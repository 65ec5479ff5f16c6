import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A request as the fake gateway saw it. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** Answers a request instead of the gateway's usual answer; returns whether it did. */
export type Answering = (seen: SeenRequest, response: ServerResponse) => boolean;

const POLLS_BEFORE_END = 2;
const MESSAGE = { role: "assistant", content: "Hello there" };

/** Speaks the gateway's HTTP interface over canned answers. Scope: one test. */
export class FakeGateway {
  readonly seen: SeenRequest[] = [];
  readonly #server: Server;
  readonly #polls = new Map<string, number>();
  #answering: Answering = () => false;

  constructor() {
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async listen(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  /** Lets a test answer by itself what it wants to. */
  answerWith(answering: Answering): void {
    this.#answering = answering;
  }

  /** The chat completions that were asked for, each with its parsed body. */
  get chats(): { headers: SeenRequest["headers"]; body: Record<string, unknown> }[] {
    return this.seen
      .filter(({ path }) => path === "/v1/chat/completions")
      .map(({ headers, body }) => ({ headers, body: JSON.parse(body) }));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const seen: SeenRequest = {
      method: request.method ?? "",
      path: request.url ?? "",
      headers: request.headers,
      body: Buffer.concat(chunks).toString(),
    };
    this.seen.push(seen);
    if (this.#answering(seen, response)) return;
    if (seen.path === "/health") response.end("OK\n");
    else if (seen.path.startsWith("/jobs/")) this.#job(seen, response);
    else if (seen.headers["s7pasyncmode"] === "true") this.#accept(seen, response);
    else if (JSON.parse(seen.body).stream) stream(seen, response);
    else json(response, 200, completion(seen), { "x-Request-Queue-Duration": "12 ms" });
  }

  #accept(seen: SeenRequest, response: ServerResponse): void {
    const id = `j${this.#polls.size + 1}-${seen.headers["x-userid"]}`;
    this.#polls.set(id, 0);
    const headers = { location: `/jobs/${id}`, "retry-after": "0" };
    json(response, 202, { id, state: "queued" }, headers);
  }

  #job(seen: SeenRequest, response: ServerResponse): void {
    const id = seen.path.split("/")[2] ?? "";
    if (!id.endsWith(String(seen.headers["x-userid"]))) {
      json(response, 404, { code: "job-not-found" });
      return;
    }
    if (seen.path.endsWith("/result")) {
      json(response, 200, completion(seen));
      return;
    }
    const polls = (this.#polls.get(id) ?? 0) + 1;
    this.#polls.set(id, polls);
    const times = { createdAt: "2026-01-01T00:00:00.000Z", startedAt: "2026-01-01T00:00:00.250Z" };
    if (polls <= POLLS_BEFORE_END)
      json(response, 202, { state: "running" }, { "retry-after": "0" });
    else json(response, 200, { state: "succeeded", ...times });
  }
}

/** Sends JSON with a status. */
export function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

/** An event stream up to where a test cuts it. */
export function writeEvents(response: ServerResponse, events: readonly unknown[]): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const event of events) response.write(`data: ${JSON.stringify(event)}\n\n`);
}

/** One chunk of a streamed chat completion. */
export const chunk = (delta: object, finishReason: string | null = null): object => ({
  object: "chat.completion.chunk",
  choices: [{ index: 0, delta, finish_reason: finishReason }],
});

function stream(seen: SeenRequest, response: ServerResponse): void {
  const usage = { completion_tokens: outputTokens(seen) };
  writeEvents(response, [
    chunk({ role: "assistant", content: "" }),
    chunk({ content: "Hello" }),
    chunk({}, "stop"),
    { object: "chat.completion.chunk", choices: [], usage },
  ]);
  response.end("data: [DONE]\n\n");
}

const completion = (seen: SeenRequest): object => ({
  object: "chat.completion",
  choices: [{ index: 0, message: MESSAGE, finish_reason: "stop" }],
  usage: { completion_tokens: outputTokens(seen) },
});

const outputTokens = ({ headers }: SeenRequest): number =>
  Number(headers["x-sim-output-tokens"] ?? 7);
