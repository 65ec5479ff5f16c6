import { ORDER_HEADER, type Order, tokens } from "./counting-backend.ts";

/** One request of a mix, and what becomes of it. */
export interface MixedRequest {
  readonly path: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The client leaves when it has seen so many tokens. */
  readonly leavesAfter: number | undefined;
  readonly order: Order;
}

const USERS = ["ann", "bob", "cay", "=dan", "eve ü"];
const MODELS = ["gpt-4o", "gpt-4o-mini", "claude-x"];
const PATHS = {
  chat: "/v1/chat/completions",
  responses: "/v1/responses",
  messages: "/v1/messages",
  embeddings: "/v1/embeddings",
} as const;

type Kind = Omit<Order, "user" | "outputTokens" | "inputTokens"> & { readonly asks?: boolean };

// As often as they stand here: what a gateway sees in a day, with its troubles.
const KINDS: readonly Kind[] = [
  { shape: "chat" },
  { shape: "chat" },
  { shape: "chat", isZipped: true },
  { shape: "embeddings" },
  { shape: "chat", isStream: true },
  { shape: "chat", isStream: true },
  { shape: "chat", isStream: true, asks: true },
  { shape: "responses", isStream: true },
  { shape: "messages", isStream: true },
  { shape: "chat", isStream: true, isSilent: true },
  { shape: "chat", isSilent: true },
  { shape: "chat", isStream: true, holdsAfter: 40 },
  { shape: "chat", fails: { Host1: "500" } },
  { shape: "chat", fails: { Host1: "reset" } },
  { shape: "chat", fails: { Host2: "429" } },
  { shape: "chat", isStream: true, fails: { Host1: "break" } },
];

// Three a message, three for the answer's beginning, and one for the role.
const TOKENS_AROUND = 7;

/** The n-th request of a mix: the same each time. */
export function mixedRequest(n: number): MixedRequest {
  const { asks, ...kind } = KINDS[n % KINDS.length] ?? { shape: "chat" };
  const round = Math.floor(n / KINDS.length);
  const user = USERS[round % USERS.length] ?? "ann";
  const model = MODELS[(round + n) % MODELS.length] ?? "gpt-4o";
  const promptTokens = 20 + ((n * 31) % 200);
  const outputTokens = kind.shape === "embeddings" ? 0 : 15 + ((n * 17) % 150);
  const content = tokens(promptTokens).join("");
  const messages = [{ role: "user", content }];
  const order = { ...kind, user, outputTokens, inputTokens: promptTokens + TOKENS_AROUND };
  const asked =
    kind.shape === "embeddings" || kind.shape === "responses" ? { input: content } : { messages };
  return {
    path: PATHS[kind.shape],
    body: JSON.stringify({
      model,
      ...asked,
      ...(kind.isStream ? { stream: true } : {}),
      ...(asks ? { stream_options: { include_usage: true } } : {}),
    }),
    headers: {
      "content-type": "application/json",
      "X-UserID": encodeURIComponent(user),
      [ORDER_HEADER]: JSON.stringify({ ...order, user: encodeURIComponent(user) }),
    },
    leavesAfter: kind.holdsAfter,
    order: { ...order, user: encodeURIComponent(user) },
  };
}

/** Sends a request and reads its answer, as far as its client wants it. Resolves with the status. */
export async function sendMixed(url: string, request: MixedRequest): Promise<number> {
  const { path, body, headers, leavesAfter } = request;
  const leaving = new AbortController();
  const response = await fetch(url + path, {
    method: "POST",
    body,
    headers,
    signal: leaving.signal,
  });
  if (leavesAfter === undefined) {
    await response.arrayBuffer();
    return response.status;
  }
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString();
    if (text.split('"content":').length > leavesAfter) break;
  }
  leaving.abort();
  return response.status;
}

/** Sends requests, so many at a time; resolves with how many had each status. */
export async function sendAll(
  url: string,
  { from, count, parallel }: { from: number; count: number; parallel: number },
): Promise<Map<number, number>> {
  const statuses = new Map<number, number>();
  let next = from;
  const worker = async (): Promise<void> => {
    while (next < from + count) {
      const status = await sendMixed(url, mixedRequest(next++));
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  return statuses;
}
