import { CHAT, delta, event, json, type RecordedAnswer, stream } from "./recorded-shapes.ts";

const prompt = (input: number, output: number, more: object = {}) => ({
  prompt_tokens: input,
  completion_tokens: output,
  total_tokens: input + output,
  ...more,
});
const counts = (inputTokens: number, outputTokens: number) => ({
  inputTokens,
  outputTokens,
  totalTokens: inputTokens + outputTokens,
});

/** What providers, and gateways before them, make of the same words. */
export const RECORDED_DIALECTS: readonly RecordedAnswer[] = [
  json(
    "a message in OpenAI's words, its cached parts within the prompt",
    {
      ...{ model: "claude", choices: [{ finish_reason: "stop" }] },
      usage: prompt(112, 55, { cache_read_input_tokens: 100, cache_creation_input_tokens: 7 }),
    },
    { ...counts(112, 55), cacheReadInputTokens: 100, cacheCreationInputTokens: 7 },
  ),
  json(
    "a message in OpenAI's words, its cached parts beside the prompt",
    {
      ...{ model: "claude", choices: [{ finish_reason: "stop" }] },
      usage: {
        ...prompt(5, 55, { cache_read_input_tokens: 100, cache_creation_input_tokens: 7 }),
        total_tokens: 167,
      },
    },
    { ...counts(112, 55), cacheReadInputTokens: 100, cacheCreationInputTokens: 7 },
  ),
  json(
    "a chat completion that tells what went into a cache",
    {
      usage: prompt(90, 5, {
        prompt_tokens_details: { cached_tokens: 60, cache_write_tokens: 20 },
      }),
    },
    { ...counts(90, 5), cacheReadInputTokens: 60, cacheCreationInputTokens: 20 },
  ),
  json(
    "a chat completion with a prediction, of which what was not taken is paid for, too",
    {
      ...{ model: "gpt-4o", service_tier: "flex" },
      usage: prompt(20, 30, {
        completion_tokens_details: {
          reasoning_tokens: 0,
          accepted_prediction_tokens: 18,
          rejected_prediction_tokens: 10,
        },
      }),
    },
    { ...counts(20, 30), reasoningOutputTokens: 0 },
  ),
  json(
    "Grok's thoughts, beside what it says",
    {
      usage: {
        ...prompt(32, 9, { completion_tokens_details: { reasoning_tokens: 94 } }),
        total_tokens: 135,
      },
    },
    { ...counts(32, 103), reasoningOutputTokens: 94 },
  ),
  json(
    "Gemini's thoughts, within what it says",
    {
      usageMetadata: {
        promptTokenCount: 10,
        candidatesTokenCount: 15,
        thoughtsTokenCount: 9,
        totalTokenCount: 25,
      },
    },
    { ...counts(10, 15), reasoningOutputTokens: 9 },
  ),
  json(
    "Gemini's prompt with what tools gave, and thoughts alone",
    {
      usageMetadata: {
        promptTokenCount: 10,
        toolUsePromptTokenCount: 30,
        thoughtsTokenCount: 9,
        totalTokenCount: 49,
      },
    },
    { ...counts(40, 9), reasoningOutputTokens: 9 },
  ),
  json(
    "a conversation whose total leaves out what was cached",
    { usage: { inputTokens: 4, outputTokens: 6, totalTokens: 10, cacheReadInputTokens: 1500 } },
    { ...counts(1504, 6), cacheReadInputTokens: 1500 },
  ),
  json(
    "Nova's own answer, which names what was cached twice",
    {
      usage: {
        ...{ inputTokens: 4, outputTokens: 6, totalTokens: 1510 },
        ...{ cacheReadInputTokens: 1500, cacheReadInputTokenCount: 1500 },
        ...{ cacheWriteInputTokens: 0, cacheWriteInputTokenCount: 0 },
      },
    },
    { ...counts(1504, 6), cacheReadInputTokens: 1500, cacheCreationInputTokens: 0 },
  ),
  json(
    "Cohere's chat, by what it asks to be paid for",
    {
      id: "c",
      usage: {
        billed_units: { input_tokens: 5, output_tokens: 418 },
        tokens: { input_tokens: 71, output_tokens: 418 },
      },
    },
    counts(5, 418),
  ),
  stream(
    "Cohere's stream",
    event({ type: "message-start", id: "c" }, "message-start") +
      event(
        {
          type: "message-end",
          delta: { usage: { tokens: { input_tokens: 3, output_tokens: 4 } } },
        },
        "message-end",
      ),
    counts(3, 4),
  ),
  stream(
    "Groq's stream, with a place of its own",
    event({ ...delta("a"), x_groq: { id: "req" } }) +
      event(delta("b")).repeat(5) +
      event({
        ...{ ...CHAT, choices: [{ delta: {}, finish_reason: "stop" }] },
        x_groq: { id: "req", usage: prompt(18, 5, { queue_time: 0.02 }) },
      }) +
      "data: [DONE]\n\n",
    counts(18, 5),
  ),
  stream(
    "vLLM's stream, whose every chunk counts up, and whose last one tells all",
    [1, 2, 3, 4, 5].map((output) => event({ ...delta("x"), usage: prompt(9, output) })).join("") +
      event({ ...CHAT, choices: [], usage: prompt(9, 5) }) +
      "data: [DONE]\n\n",
    counts(9, 5),
  ),
  stream(
    "Azure's stream, whose first chunk is of filters and names nothing",
    event({
      ...{ choices: [], created: 0, id: "", model: "", object: "" },
      prompt_filter_results: [{ prompt_index: 0, content_filter_results: {} }],
    }) +
      event(delta("Hi")) +
      event({ ...CHAT, choices: [], usage: prompt(9, 1) }) +
      event({ ...delta("x"), choices: [{ content_filter_offsets: { end_offset: 2 } }] }) +
      "data: [DONE]\n\n",
    counts(9, 1),
  ),
  stream(
    "DeepSeek's and Mistral's streams, whose last chunk says why it ends and what it cost",
    event(delta("Hi")).repeat(4) +
      event({
        ...{ ...CHAT, choices: [{ delta: { content: "" }, finish_reason: "stop" }] },
        usage: prompt(17, 9, { prompt_cache_hit_tokens: 16, prompt_cache_miss_tokens: 1 }),
      }) +
      "data: [DONE]\n\n",
    { ...counts(17, 9), cacheReadInputTokens: 16 },
  ),
  stream(
    "a message with tools of the server's, whose counts add up as it goes",
    event(
      {
        type: "message_start",
        message: {
          model: "claude-sonnet",
          usage: {
            ...{ input_tokens: 2679, output_tokens: 3 },
            ...{ cache_creation_input_tokens: 0, cache_read_input_tokens: 0 },
            cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
          },
        },
      },
      "message_start",
    ) +
      event({ type: "ping" }, "ping") +
      event(
        {
          ...{ type: "message_delta", delta: { stop_reason: "end_turn" } },
          usage: {
            ...{ input_tokens: 10_682, output_tokens: 510 },
            ...{ cache_creation_input_tokens: 7, cache_read_input_tokens: null },
            server_tool_use: { web_search_requests: 1 },
          },
        },
        "message_delta",
      ) +
      event({ type: "message_stop" }, "message_stop"),
    { ...counts(10_689, 510), cacheReadInputTokens: 0, cacheCreationInputTokens: 7 },
  ),
  stream(
    "pictures, whose last event tells",
    event({ type: "image_generation.partial_image", b64_json: "A".repeat(9000) }) +
      event({
        type: "image_generation.completed",
        b64_json: "A".repeat(9000),
        usage: { input_tokens: 50, output_tokens: 4160, total_tokens: 4210 },
      }),
    counts(50, 4160),
  ),
];
