import {
  CHAT,
  json,
  RESPONSE,
  RESPONSE_TOKENS,
  RESPONSE_USAGE,
  type RecordedAnswer,
  TRICK,
} from "./recorded-shapes.ts";

/** Documents in the shapes that providers write, with their traps. */
export const RECORDED_DOCUMENTS: readonly RecordedAnswer[] = [
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
    "Gemini's stream as an array that ends with an error",
    [
      {
        candidates: [{}],
        usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 1, totalTokenCount: 11 },
        modelVersion: "gemini-2.5-pro",
      },
      { error: { code: 503, status: "UNAVAILABLE" } },
    ],
    { inputTokens: 10, outputTokens: 1, totalTokens: 11 },
  ),
  json(
    "Gemini's content with sounds",
    {
      candidates: [{ finishReason: "STOP" }],
      usageMetadata: {
        promptTokenCount: 20,
        candidatesTokenCount: 3,
        totalTokenCount: 23,
        promptTokensDetails: [
          { modality: "TEXT", tokenCount: 5 },
          { modality: "AUDIO", tokenCount: 15 },
        ],
        candidatesTokensDetails: [{ modality: "AUDIO", tokenCount: 3 }],
      },
    },
    {
      inputTokens: 20,
      outputTokens: 3,
      totalTokens: 23,
      audioInputTokens: 15,
      audioOutputTokens: 3,
    },
  ),
  json(
    "a transcription",
    {
      text: TRICK,
      usage: {
        type: "tokens",
        input_tokens: 14,
        input_token_details: { text_tokens: 0, audio_tokens: 14 },
        output_tokens: 45,
        total_tokens: 59,
      },
    },
    { inputTokens: 14, outputTokens: 45, totalTokens: 59, audioInputTokens: 14 },
  ),
  json("a transcription by its time", { usage: { type: "duration", seconds: 9 } }, undefined),
  {
    name: "a document behind a byte order mark",
    type: "application/json",
    text: '\ufeff{"usage":{"prompt_tokens":1,"completion_tokens":2}}',
    tokens: { inputTokens: 1, outputTokens: 2, totalTokens: 3 },
  },
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
];
