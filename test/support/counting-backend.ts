import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import { bodyTextOf, startServer, type TestServer } from "./http-server.ts";

/** What a backend itself counts for its answers. */
export interface OwnCount {
  answers: number;
  inputTokens: number;
  outputTokens: number;
}

export type CountName = "reported" | "silent" | "left" | "failed";

/** A backend that counts what it gives, by whether it told so: the truth that a ledger is held against. */
export interface CountingBackend extends AsyncDisposable {
  readonly origin: string;
  /** By name, user and model. */
  readonly counts: Map<string, OwnCount>;
}

/** What the backend is asked to do, in a header that the gateway passes on. */
export interface Order {
  readonly user: string;
  readonly shape: "chat" | "responses" | "messages" | "embeddings";
  readonly isStream?: boolean;
  readonly isSilent?: boolean;
  readonly isZipped?: boolean;
  /** After so many tokens nothing more comes until the client has left. */
  readonly holdsAfter?: number;
  /** Backends that fail this request, and how. */
  readonly fails?: Readonly<Record<string, "500" | "429" | "reset" | "break">>;
  readonly outputTokens: number;
  readonly inputTokens: number;
}

export const ORDER_HEADER = "x-order";

// Each is one token with the space before it, and so is the full stop alone.
const WORDS =
  " the of and a in to is was it for with as on be at by this had not are but from or have an they which one you were all her she there would their we him been has when who will no more if out so up said what its about than into them can only other time new some could these two may first then do any like my now over such our man me even most made after also did many off before must well back through years much where your way down should because long each just state those people too"
    .split(" ")
    .map((word) => ` ${word}`);

/** A text of so many tokens, none of which becomes one with its neighbour. */
export function tokens(count: number): string[] {
  return Array.from({ length: count }, (_, index) =>
    index % 13 === 12 ? "." : (WORDS[(index * 7) % WORDS.length] ?? " the"),
  );
}

/** Starts one. */
export async function startCountingBackend(name: string): Promise<CountingBackend> {
  const counts = new Map<string, OwnCount>();
  const server: TestServer = await startServer((request, response) => {
    answer(name, counts, { request, response }).catch(() => response.destroy());
  });
  return {
    origin: server.origin,
    counts,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

interface Asked {
  readonly model: string;
  readonly stream_options?: { readonly include_usage?: boolean };
}

async function answer(
  name: string,
  counts: CountingBackend["counts"],
  { request, response }: Call,
): Promise<void> {
  const asked = JSON.parse(await bodyTextOf(request)) as Asked;
  const order = JSON.parse(String(request.headers[ORDER_HEADER])) as Order;
  const count = (what: CountName, outputTokens: number): void => {
    const key = `${what} ${order.user} ${asked.model}`;
    const known = counts.get(key) ?? { answers: 0, inputTokens: 0, outputTokens: 0 };
    known.answers += 1;
    known.inputTokens += order.inputTokens;
    known.outputTokens += outputTokens;
    counts.set(key, known);
  };
  const fault = order.fails?.[name];
  if (fault !== undefined) {
    count("failed", 0);
    await fail(response, fault, order, asked);
    return;
  }
  if (order.isStream) await stream(response, { order, asked, count });
  else json(response, { order, asked, count });
}

interface Serving {
  readonly order: Order;
  readonly asked: Asked;
  readonly count: (what: CountName, outputTokens: number) => void;
}

async function fail(response: ServerResponse, fault: string, order: Order, asked: Asked) {
  if (fault === "reset") {
    // Within its head: a kept connection that breaks without a byte is replaced, which is no attempt of its own.
    response.socket?.write("HTTP/1.1 ", () => response.destroy());
  } else if (fault === "break") {
    // Before its first event, so that another backend can take over.
    response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
    response.write(": begun\n\n", () => response.destroy());
  } else {
    const headers = fault === "429" ? { "retry-after-ms": "40" } : {};
    response.writeHead(Number(fault), { "content-type": "application/json", ...headers });
    response.end(
      JSON.stringify({ error: { message: "no", model: asked.model, user: order.user } }),
    );
  }
}

function json(response: ServerResponse, { order, asked, count }: Serving): void {
  const { outputTokens, isSilent, isZipped } = order;
  const usage = {
    ...(isSilent ? {} : { usage: usageOf(order, outputTokens) }),
    ...tierOf(asked),
  };
  const said = { message: { role: "assistant", content: tokens(outputTokens).join("") } };
  const body =
    order.shape === "embeddings"
      ? { model: asked.model, data: [{ embedding: [0.5, 0.25] }], ...usage }
      : { id: "c", model: asked.model, choices: [{ index: 0, ...said }], ...usage };
  const text = JSON.stringify(body, null, 1);
  const bytes = isZipped ? gzipSync(text) : Buffer.from(text);
  const coding = isZipped ? { "content-encoding": "gzip" } : {};
  response.writeHead(200, {
    "content-type": "application/json",
    "content-length": bytes.byteLength,
    ...coding,
  });
  count(isSilent ? "silent" : "reported", outputTokens);
  response.end(bytes);
}

async function stream(response: ServerResponse, serving: Serving): Promise<void> {
  const { order, asked, count } = serving;
  const { outputTokens, holdsAfter, isSilent = false } = order;
  response.writeHead(200, { "content-type": "text/event-stream" });
  const events = eventsOf(serving);
  const left = holdsAfter === undefined ? undefined : once(response, "close");
  for (const [index, token] of tokens(holdsAfter ?? outputTokens).entries()) {
    response.write(events.token(token, index));
  }
  if (left) {
    await left;
    count("left", holdsAfter ?? 0);
    return;
  }
  const isTold =
    !isSilent && (order.shape !== "chat" || asked.stream_options?.include_usage === true);
  count(isTold ? "reported" : "silent", outputTokens);
  response.end(events.end(isTold));
}

/** Its smallest model is always served by another tier. */
const tierOf = ({ model }: Asked): object =>
  model === "gpt-4o-mini" ? { service_tier: "flex" } : {};

const data = (value: object, event?: string): string =>
  `${event === undefined ? "" : `event: ${event}\n`}data: ${JSON.stringify(value)}\n\n`;

function eventsOf({ order, asked }: Serving) {
  const { model } = asked;
  const usage = usageOf(order, order.outputTokens);
  if (order.shape === "messages") {
    const type = "content_block_delta";
    const begun = data(
      {
        type: "message_start",
        message: {
          model,
          usage: { input_tokens: order.inputTokens, output_tokens: 1, ...tierOf(asked) },
        },
      },
      "message_start",
    );
    return {
      token: (text: string, index: number) =>
        (index === 0 ? begun : "") +
        data({ type, index: 0, delta: { type: "text_delta", text } }, type),
      end: () =>
        data(
          { type: "message_delta", delta: {}, usage: { output_tokens: order.outputTokens } },
          "message_delta",
        ) + data({ type: "message_stop" }, "message_stop"),
    };
  }
  if (order.shape === "responses") {
    const type = "response.output_text.delta";
    const done = { status: "completed", model, usage, ...tierOf(asked) };
    return {
      token: (delta: string) => data({ type, delta }, type),
      end: () => data({ type: "response.completed", response: done }, "response.completed"),
    };
  }
  const nothing = asked.stream_options?.include_usage ? { usage: null } : {};
  const chunk = (fields: object): string =>
    data({ id: "c", object: "chat.completion.chunk", model, ...tierOf(asked), ...fields });
  return {
    token: (content: string) => chunk({ choices: [{ index: 0, delta: { content } }], ...nothing }),
    end: (isTold: boolean) =>
      chunk({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }], ...nothing }) +
      (isTold ? chunk({ choices: [], usage }) : "") +
      "data: [DONE]\n\n",
  };
}

function usageOf({ shape, inputTokens }: Order, outputTokens: number): object {
  const total_tokens = inputTokens + outputTokens;
  if (shape === "responses")
    return { input_tokens: inputTokens, output_tokens: outputTokens, total_tokens };
  if (shape === "embeddings") return { prompt_tokens: inputTokens, total_tokens: inputTokens };
  return { prompt_tokens: inputTokens, completion_tokens: outputTokens, total_tokens };
}
