import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { expect } from "vitest";

/** What a client saw of an answer, whole or not. */
export interface Seen {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly bytes: Buffer;
  /** How it ended: an error's code when it was cut off. */
  readonly ending: "end" | string;
}

export interface ChatOptions {
  readonly body?: object;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
  readonly path?: string;
}

export const CHAT_BODY = { model: "gpt-4o", messages: [{ role: "user", content: "Tell me." }] };

/** Posts a chat completion over plain HTTP, and tells all that came back, also of a broken answer. */
export function chat(url: string, options: ChatOptions = {}): Promise<Seen> {
  const { body = {}, headers = {}, signal, path = "/v1/chat/completions" } = options;
  const payload = JSON.stringify({ ...CHAT_BODY, ...body });
  return new Promise((resolve, reject) => {
    const request = httpRequest(url + path, {
      method: "POST",
      agent: false,
      headers: { "content-type": "application/json", ...headers },
      ...(signal && { signal }),
    });
    request.once("error", reject);
    request.once("response", (response) => {
      const chunks: Buffer[] = [];
      const seen = (ending: string): Seen => {
        const bytes = Buffer.concat(chunks);
        const { statusCode = 0, headers } = response;
        return { status: statusCode, headers, bytes, text: bytes.toString(), ending };
      };
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("end", () => resolve(seen("end")));
      response.once("error", (error: NodeJS.ErrnoException) => resolve(seen(String(error.code))));
    });
    request.end(payload);
  });
}

/** Waits for a value to become what is expected; generous, because machines can be busy. */
export const eventually = <T>(value: () => T) =>
  expect.poll(value, { timeout: 20_000, interval: 5 });

/** The data of each server-sent event in a text. */
export function eventsIn(text: string): string[] {
  return text
    .split("\n\n")
    .map((event) => event.split("\n").find((line) => line.startsWith("data: ")))
    .flatMap((line) => (line === undefined ? [] : [line.slice("data: ".length)]));
}

/** How many events of a chat stream carry text. */
export function textEventsIn(text: string): number {
  return eventsIn(text).filter((data) => /"delta":\{"content":"/.test(data)).length;
}
