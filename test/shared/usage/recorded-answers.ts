import type { TokenUsage } from "../../../shared/usage/index.ts";

/** An answer in a provider's shape, and what it cost. */
export interface RecordedAnswer {
  readonly name: string;
  readonly type: "application/json" | "text/event-stream";
  readonly text: string;
  readonly tokens: TokenUsage | undefined;
  readonly model?: string;
}

const event = (value: unknown, name?: string): string =>
  `${name === undefined ? "" : `event: ${name}\n`}data: ${JSON.stringify(value)}\n\n`;

const CHAT = { id: "chatcmpl-1", object: "chat.completion.chunk", model: "gpt-4o" };
const delta = (content: string) => ({
  ...CHAT,
  choices: [{ index: 0, delta: { content }, finish_reason: null }],
  usage: null,
});
const TRICK = 'say "usage": {"total_tokens": 9}, } ] \\ and "';

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

const RESPONSE = { id: "resp_1", object: "response", model: "gpt-5-mini" };
const RESPONSE_USAGE = {
  input_tokens: 40,
  input_tokens_details: { cached_tokens: 32 },
  output_tokens: 30,
  output_tokens_details: { reasoning_tokens: 20 },
  total_tokens: 70,
};
const RESPONSE_TOKENS: TokenUsage = {
  inputTokens: 40,
  outputTokens: 30,
  totalTokens: 70,
  cacheReadInputTokens: 32,
  reasoningOutputTokens: 20,
};

const MESSAGE_STREAM = [
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

const json = (name: string, value: unknown, tokens: TokenUsage | undefined): RecordedAnswer => ({
  name,
  type: "application/json",
  text: JSON.stringify(value, undefined, 2),
  tokens,
});
const stream = (name: string, text: string, tokens: TokenUsage | undefined): RecordedAnswer => ({
  name,
  type: "text/event-stream",
  text,
  tokens,
});

/** Answers in the shapes that providers document, with their traps. */
export const RECORDED_ANSWERS: readonly RecordedAnswer[] = [
  json(
    "V79: a chat completion",
    {
      ...CHAT,
      choices: [{ message: { role: "assistant", content: TRICK } }],
      usage: {
        prompt_tokens: 14,
        completion_tokens: 55,
        total_tokens: 69,
        prompt_tokens_details: { cached_tokens: 8, audio_tokens: 2 },
        completion_tokens_details: { reasoning_tokens: 5, audio_tokens: 3 },
      },
    },
    {
      inputTokens: 14,
      outputTokens: 55,
      totalTokens: 69,
      cacheReadInputTokens: 8,
      reasoningOutputTokens: 5,
      audioInputTokens: 2,
      audioOutputTokens: 3,
    },
  ),
  json(
    "an embedding",
    { model: "e", data: [], usage: { prompt_tokens: 8, total_tokens: 8 } },
    {
      inputTokens: 8,
      outputTokens: 0,
      totalTokens: 8,
    },
  ),
  json("a response", { ...RESPONSE, output: [], usage: RESPONSE_USAGE }, RESPONSE_TOKENS),
  json(
    "a message with a cached prompt",
    {
      id: "msg_1",
      type: "message",
      model: "claude-sonnet",
      content: [{ type: "text", text: TRICK }],
      usage: {
        input_tokens: 5,
        cache_creation_input_tokens: 7,
        cache_read_input_tokens: 100,
        output_tokens: 55,
      },
    },
    {
      inputTokens: 112,
      outputTokens: 55,
      totalTokens: 167,
      cacheReadInputTokens: 100,
      cacheCreationInputTokens: 7,
    },
  ),
  json(
    "Gemini's content with thoughts",
    {
      candidates: [{ content: { parts: [{ text: TRICK }] }, finishReason: "STOP" }],
      usageMetadata: {
        promptTokenCount: 10,
        cachedContentTokenCount: 4,
        candidatesTokenCount: 6,
        thoughtsTokenCount: 9,
        totalTokenCount: 25,
      },
      modelVersion: "gemini-2.5-pro",
    },
    {
      inputTokens: 10,
      outputTokens: 15,
      totalTokens: 25,
      cacheReadInputTokens: 4,
      reasoningOutputTokens: 9,
    },
  ),
  json(
    "Gemini's stream as an array",
    [
      { candidates: [{}], usageMetadata: { promptTokenCount: 10, totalTokenCount: 11 } },
      {
        candidates: [{ finishReason: "STOP" }],
        usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 6, totalTokenCount: 16 },
      },
    ],
    { inputTokens: 10, outputTokens: 6, totalTokens: 16 },
  ),
  json(
    "an answer that used nothing",
    { usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 } },
    { inputTokens: 0, outputTokens: 0, totalTokens: 0 },
  ),
  json("an answer that says null", { choices: [], usage: null }, undefined),
  json("an answer that does not say", { choices: [] }, undefined),
  json("usage in a wrong place", { metadata: { usage: { total_tokens: 5 } } }, undefined),
  json("usage that is a text", { usage: '{"total_tokens": 5}' }, undefined),
  json("counts that are none", { usage: { total_tokens: -1, prompt_tokens: 1.5 } }, undefined),
  stream("V80: a chat stream", CHAT_STREAM, {
    inputTokens: 14,
    outputTokens: 55,
    totalTokens: 69,
  }),
  stream(
    "a chat stream with running usage",
    [
      event({
        ...CHAT,
        choices: [{ delta: { content: "a" } }],
        usage: { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 },
      }),
      event({
        ...CHAT,
        choices: [{ delta: { content: "b" } }],
        usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
      }),
      "data: [DONE]\n\n",
    ].join(""),
    { inputTokens: 3, outputTokens: 2, totalTokens: 5 },
  ),
  stream(
    "a stream of responses",
    [
      event(
        { type: "response.created", response: { ...RESPONSE, usage: null } },
        "response.created",
      ),
      event({ type: "response.output_text.delta", delta: TRICK }, "response.output_text.delta"),
      event({ type: "response.output_text.done", text: TRICK }, "response.output_text.done"),
      event(
        { type: "response.completed", response: { ...RESPONSE, usage: RESPONSE_USAGE } },
        "response.completed",
      ),
    ].join(""),
    RESPONSE_TOKENS,
  ),
  stream("V81: a stream of a message", MESSAGE_STREAM, {
    inputTokens: 14,
    outputTokens: 55,
    totalTokens: 69,
  }),
  stream(
    "Gemini's stream of events",
    event({ candidates: [{}], usageMetadata: { promptTokenCount: 4, totalTokenCount: 4 } }) +
      event({
        candidates: [{ finishReason: "STOP" }],
        usageMetadata: { promptTokenCount: 4, candidatesTokenCount: 2, totalTokenCount: 6 },
      }),
    { inputTokens: 4, outputTokens: 2, totalTokens: 6 },
  ),
  stream(
    "a stream whose lines end in CR LF, with comments and data over several lines",
    `: keep-alive\r\n\r\ndata: {"choices":[],\r\ndata: "usage":{"prompt_tokens":1,\r\ndata: "completion_tokens":2}}\r\n\r\ndata: [DONE]\r\n\r\n`,
    { inputTokens: 1, outputTokens: 2, totalTokens: 3 },
  ),
  stream("a stream without usage", `${event(delta("hi"))}data: [DONE]\n\n`, undefined),
];
