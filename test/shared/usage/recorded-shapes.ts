import type { TokenUsage } from "../../../shared/core/domain.ts";

/** An answer in a provider's shape, and what it cost. */
export interface RecordedAnswer {
  readonly name: string;
  readonly type: "application/json" | "text/event-stream";
  readonly text: string;
  readonly tokens: TokenUsage | undefined;
  readonly model?: string;
  readonly serviceTier?: string;
  readonly finishReasons?: readonly string[];
}

export const event = (value: unknown, name?: string): string =>
  `${name === undefined ? "" : `event: ${name}\n`}data: ${JSON.stringify(value)}\n\n`;

export const CHAT = { id: "chatcmpl-1", object: "chat.completion.chunk", model: "gpt-4o" };
export const delta = (content: string) => ({
  ...CHAT,
  choices: [{ index: 0, delta: { content }, finish_reason: null }],
  usage: null,
});
export const TRICK = 'say "usage": {"total_tokens": 9}, } ] \\ and "';

export const CHAT_STREAM = [
  event(delta("Hel")),
  event(delta(TRICK)),
  event({ ...CHAT, choices: [{ index: 0, delta: {}, finish_reason: "stop" }], usage: null }),
  event({
    ...CHAT,
    choices: [],
    usage: { prompt_tokens: 14, completion_tokens: 55, total_tokens: 69 },
  }),
  "data: [DONE]\n\n",
].join("");

export const RESPONSE = { id: "resp_1", object: "response", model: "gpt-5-mini" };
export const RESPONSE_USAGE = {
  input_tokens: 40,
  input_tokens_details: { cached_tokens: 32 },
  output_tokens: 30,
  output_tokens_details: { reasoning_tokens: 20 },
  total_tokens: 70,
};
export const RESPONSE_TOKENS: TokenUsage = {
  inputTokens: 40,
  outputTokens: 30,
  totalTokens: 70,
  cacheReadInputTokens: 32,
  reasoningOutputTokens: 20,
};

export const MESSAGE_STREAM = [
  event(
    {
      type: "message_start",
      message: {
        id: "msg_1",
        model: "claude-sonnet",
        usage: { input_tokens: 14, output_tokens: 1 },
      },
    },
    "message_start",
  ),
  event(
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: TRICK } },
    "content_block_delta",
  ),
  event({ type: "message_delta", delta: {}, usage: { output_tokens: 55 } }, "message_delta"),
  event({ type: "message_stop" }, "message_stop"),
].join("");

export const json = (
  name: string,
  value: unknown,
  tokens: TokenUsage | undefined,
): RecordedAnswer => ({
  name,
  type: "application/json",
  text: JSON.stringify(value, undefined, 2),
  tokens,
});
export const stream = (
  name: string,
  text: string,
  tokens: TokenUsage | undefined,
): RecordedAnswer => ({
  name,
  type: "text/event-stream",
  text,
  tokens,
});
