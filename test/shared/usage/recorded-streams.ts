import {
  CHAT,
  CHAT_STREAM,
  delta,
  event,
  MESSAGE_STREAM,
  RESPONSE,
  RESPONSE_TOKENS,
  RESPONSE_USAGE,
  type RecordedAnswer,
  stream,
  TRICK,
} from "./recorded-shapes.ts";

/** Streams in the shapes that providers write, with their traps. */
export const RECORDED_STREAMS: readonly RecordedAnswer[] = [
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
    "a stream of a message whose last word tells all of it again",
    [
      event({
        type: "message_start",
        message: {
          model: "claude-sonnet",
          usage: { input_tokens: 14, cache_read_input_tokens: 100, output_tokens: 1 },
        },
      }),
      event({ type: "message_delta", usage: { output_tokens: 20 } }),
      event({
        type: "message_delta",
        usage: { input_tokens: 15, cache_read_input_tokens: 100, output_tokens: 55 },
      }),
    ].join(""),
    { inputTokens: 115, outputTokens: 55, totalTokens: 170, cacheReadInputTokens: 100 },
  ),
  stream("a chat stream whose lines end in CR", CHAT_STREAM.replaceAll("\n", "\r"), {
    inputTokens: 14,
    outputTokens: 55,
    totalTokens: 69,
  }),
  stream(
    "a chat stream behind a byte order mark, with ids and names",
    `\ufeffretry: 5\nid: 7\n\n${CHAT_STREAM.replaceAll("data: ", "id\nevent: chunk\nretry: 1\ndata:")}`,
    { inputTokens: 14, outputTokens: 55, totalTokens: 69 },
  ),
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
