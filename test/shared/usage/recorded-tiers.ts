import {
  CHAT,
  delta,
  event,
  json,
  RESPONSE,
  RESPONSE_TOKENS,
  RESPONSE_USAGE,
  type RecordedAnswer,
  stream,
} from "./recorded-shapes.ts";

const TRICK = 'say "service_tier":"fast", "finish_reason":"length", \\"stop_reason\\":"refusal"';
const CHAT_USAGE = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 };
const CHAT_TOKENS = { inputTokens: 3, outputTokens: 4, totalTokens: 7 };
const MESSAGE_USAGE = { input_tokens: 3, output_tokens: 4 };
const GEMINI_USAGE = { promptTokenCount: 3, candidatesTokenCount: 4, totalTokenCount: 7 };

/** A response's stream, from its beginning to an event of this name. */
function responses(last: string, begun: object, ended: object): string {
  const of = (type: string, fields: object) => event({ type, ...fields }, type);
  const created = { ...RESPONSE, status: "in_progress", usage: null, ...begun };
  const message = { type: "message", content: [{ type: "output_text", text: TRICK }] };
  return [
    of("response.created", { response: created }),
    of("response.output_item.added", { item: { type: "function_call", status: "in_progress" } }),
    of("response.output_text.delta", { delta: TRICK }),
    of("response.output_text.done", { text: TRICK }),
    of(last, {
      response: { ...RESPONSE, output: [message], usage: RESPONSE_USAGE, ...ended },
    }),
  ].join("");
}

/** Answers that say by which of its provider's tiers they were served, and why they ended. */
export const RECORDED_TIERS: readonly RecordedAnswer[] = [
  {
    ...json(
      "a chat completion of a tier",
      {
        ...CHAT,
        choices: [{ message: { content: TRICK }, finish_reason: "stop" }],
        usage: CHAT_USAGE,
        service_tier: "priority",
      },
      CHAT_TOKENS,
    ),
    serviceTier: "priority",
    finishReasons: ["stop"],
  },
  {
    ...stream(
      "a chat stream whose every chunk names its tier",
      [
        event({ ...delta(TRICK), service_tier: "scale" }),
        event({ ...delta("more"), service_tier: "scale" }),
        event({
          ...CHAT,
          choices: [{ index: 0, delta: {}, finish_reason: "tool_calls" }],
          service_tier: "scale",
          usage: null,
        }),
        event({ ...CHAT, choices: [], service_tier: "scale", usage: CHAT_USAGE }),
        "data: [DONE]\n\n",
      ].join(""),
      CHAT_TOKENS,
    ),
    serviceTier: "scale",
    finishReasons: ["tool_calls"],
  },
  {
    ...stream(
      "a chat stream of two choices, which ends one after the other with what it used",
      [
        event({ ...delta("a"), service_tier: "default" }),
        event({ ...CHAT, choices: [{ index: 1, delta: {}, finish_reason: "length" }] }),
        event({
          ...CHAT,
          choices: [{ index: 0, delta: {}, finish_reason: "stop" }],
          usage: CHAT_USAGE,
        }),
        "data: [DONE]\n\n",
      ].join(""),
      CHAT_TOKENS,
    ),
    serviceTier: "default",
    finishReasons: ["stop", "length"],
  },
  {
    ...stream(
      "a stream of responses that gets another tier than it asked for",
      responses(
        "response.completed",
        { service_tier: "priority" },
        {
          status: "completed",
          service_tier: "default",
          incomplete_details: null,
          metadata: { finish_reason: "mine", stop_reason: "mine" },
        },
      ),
      RESPONSE_TOKENS,
    ),
    serviceTier: "default",
    finishReasons: ["completed"],
  },
  {
    ...stream(
      "a stream of responses that was cut short by its limit",
      responses(
        "response.incomplete",
        { service_tier: "auto" },
        {
          status: "incomplete",
          service_tier: "flex",
          incomplete_details: { reason: "max_output_tokens" },
        },
      ),
      RESPONSE_TOKENS,
    ),
    serviceTier: "flex",
    finishReasons: ["max_output_tokens"],
  },
  {
    ...stream(
      "a stream of responses that calls tools",
      responses(
        "response.completed",
        {},
        {
          status: "completed",
          output: [
            { type: "reasoning", summary: [] },
            { type: "function_call", name: "f", arguments: TRICK },
          ],
        },
      ),
      RESPONSE_TOKENS,
    ),
    finishReasons: ["tool_calls"],
  },
  {
    ...json(
      "a response that its provider's filter ended",
      {
        ...RESPONSE,
        status: "incomplete",
        incomplete_details: { reason: "content_filter" },
        output: [],
        usage: RESPONSE_USAGE,
      },
      RESPONSE_TOKENS,
    ),
    finishReasons: ["content_filter"],
  },
  json(
    "a response that is not over",
    { ...RESPONSE, status: "in_progress", incomplete_details: null, usage: null },
    undefined,
  ),
  {
    ...json(
      "a message that Anthropic served faster",
      {
        type: "message",
        content: [{ type: "text", text: TRICK }],
        stop_reason: "end_turn",
        usage: { ...MESSAGE_USAGE, service_tier: "standard", speed: "fast" },
      },
      CHAT_TOKENS,
    ),
    serviceTier: "fast",
    finishReasons: ["end_turn"],
  },
  {
    ...stream(
      "a stream of a message whose beginning names its tier",
      [
        event({
          type: "message_start",
          message: {
            stop_reason: null,
            usage: { input_tokens: 3, output_tokens: 1, service_tier: "priority" },
          },
        }),
        event({ type: "content_block_delta", delta: { type: "text_delta", text: TRICK } }),
        event({
          type: "message_delta",
          delta: { stop_reason: "max_tokens", stop_sequence: null },
          usage: { output_tokens: 4 },
        }),
        event({ type: "message_stop" }),
      ].join(""),
      CHAT_TOKENS,
    ),
    serviceTier: "priority",
    finishReasons: ["max_tokens"],
  },
  {
    ...json(
      "Gemini's content of a tier",
      {
        candidates: [{ finishReason: "STOP" }],
        usageMetadata: { ...GEMINI_USAGE, serviceTier: "flex" },
      },
      CHAT_TOKENS,
    ),
    serviceTier: "flex",
    finishReasons: ["STOP"],
  },
  {
    ...stream(
      "Vertex's stream, whose every chunk says how it is paid for, and why it might have ended",
      event({
        candidates: [{ content: { parts: [{ text: "a" }] }, finishReason: "STOP" }],
        usageMetadata: { trafficType: "PROVISIONED_THROUGHPUT" },
      }).repeat(5) +
        event({
          candidates: [{ finishReason: "MAX_TOKENS", groundingMetadata: "x".repeat(9000) }],
          usageMetadata: { ...GEMINI_USAGE, trafficType: "PROVISIONED_THROUGHPUT" },
        }),
      CHAT_TOKENS,
    ),
    serviceTier: "provisioned_throughput",
    finishReasons: ["MAX_TOKENS"],
  },
  {
    ...json(
      "a conversation of a tier",
      {
        output: {},
        stopReason: "tool_use",
        usage: { inputTokens: 3, outputTokens: 4, totalTokens: 7 },
        serviceTier: { type: "reserved" },
      },
      CHAT_TOKENS,
    ),
    serviceTier: "reserved",
    finishReasons: ["tool_use"],
  },
  {
    ...json(
      "a batch that is over",
      {
        ...{ id: "batch_1", object: "batch", created_at: 1_700_000_000, status: "completed" },
        usage: { ...MESSAGE_USAGE, total_tokens: 7 },
      },
      CHAT_TOKENS,
    ),
    serviceTier: "batch",
  },
  json(
    "an answer whose tiers are none",
    {
      service_tier: { name: "priority" },
      choices: [{ service_tier: "priority" }],
      usage: { ...CHAT_USAGE, service_tier: "=cmd|' /C calc'!A0", speed: 9 },
    },
    CHAT_TOKENS,
  ),
];
