import { describe, expect, it } from "vitest";
import { genAiRequest, modelHint } from "../../../shared/telemetry/index.ts";

const post = (target: string, origin?: string, model?: string) =>
  genAiRequest({ method: "POST", target, origin, model });

describe("what a request is to a model", () => {
  it.each([
    ["/v1/chat/completions", "chat", "openai", "asked"],
    [
      "/openai/deployments/d%201/chat/completions?api-version=1",
      "chat",
      "azure.ai.openai",
      "d%201",
    ],
    ["/v1/completions", "text_completion", "openai", "asked"],
    ["/v1/embeddings?x=1", "embeddings", "openai", "asked"],
    ["/v1/responses", "chat", "openai", "asked"],
    ["/v1/messages", "chat", "anthropic", "asked"],
    ["/v1beta/models/gemini-2:streamGenerateContent", "generate_content", "gcp.gemini", "gemini-2"],
    [
      "/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse-stream",
      ...["chat", "aws.bedrock", "anthropic.claude-3-haiku-20240307-v1:0"],
    ],
    [
      "/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A1%3Aprompt-router%2Fx/invoke-with-response-stream",
      ...["chat", "aws.bedrock", "arn:aws:bedrock:eu-west-1:1:prompt-router/x"],
    ],
    [
      "/model/amazon.titan-embed-text-v2:0/invoke",
      "embeddings",
      "aws.bedrock",
      "amazon.titan-embed-text-v2:0",
    ],
    [
      "/v1/projects/p/publishers/anthropic/models/claude-sonnet:streamRawPredict",
      ...["chat", "gcp.vertex_ai", "claude-sonnet"],
    ],
    ["/v2/chat", "chat", "cohere", "asked"],
  ])("is read from its path: %s", (target, operation, provider, model) => {
    const outputType = undefined;
    expect(post(target, undefined, "asked")).toEqual({ operation, provider, model, outputType });
  });

  it.each([
    ["/v1/images/generations", "generate_content", "image", "openai", "asked"],
    [
      "/openai/deployments/gpt-image/images/edits?api-version=1",
      ...["generate_content", "image", "azure.ai.openai", "gpt-image"],
    ],
    ["/v1/images/variations", "generate_content", "image", "openai", "asked"],
    ["/v1/audio/speech", "generate_content", "speech", "openai", "asked"],
    ["/v1/audio/transcriptions", "generate_content", "text", "openai", "asked"],
    ["/v1/audio/translations", "generate_content", "text", "openai", "asked"],
    ["/v1/moderations", "moderation", undefined, "openai", "asked"],
    ["/v2/rerank", "rerank", undefined, "cohere", "asked"],
    [
      "/model/cohere.rerank-v3-5%3A0/invoke",
      ...["rerank", undefined, "aws.bedrock", "cohere.rerank-v3-5:0"],
    ],
    [
      "/model/stability.sd3-5-large-v1:0/invoke",
      ...["generate_content", "image", "aws.bedrock", "stability.sd3-5-large-v1:0"],
    ],
  ])("is read from its path, with what it makes: %s", (target, ...read) => {
    const [operation, outputType, provider, model] = read;
    expect(post(target, undefined, "asked")).toEqual({ operation, provider, model, outputType });
  });

  it("is told better by whom it went to", () => {
    expect(post("/v1/chat/completions", "https://a.openai.azure.com").provider).toBe(
      "azure.ai.openai",
    );
    expect(post("/v1/chat/completions", "https://api.mistral.ai:443").provider).toBe("mistral_ai");
    expect(post("/v1/chat/completions", "https://not-openai.com.test").provider).toBe("openai");
  });

  it("is nothing for what asks no model", () => {
    const others = ["/v1/files", "/v1/batches", "/v1/videos", "/v1/vector_stores/v/search"];
    for (const target of ["/v1/models", "/jobs/1", "/v1/responses/resp_1", ...others]) {
      expect(post(target).operation).toBeUndefined();
    }
    expect(
      genAiRequest({ method: "GET", target: "/v1/chat/completions" }).operation,
    ).toBeUndefined();
  });
});

describe("the model that a body asks for", () => {
  const hint = (text: string) => modelHint(Buffer.from(text));

  it("is found near the beginning", () => {
    expect(hint('{"model" : "gpt-4o","messages":[]}')).toBe("gpt-4o");
    expect(hint('{"stream":true,\n "model":"m/1:x"}')).toBe("m/1:x");
  });

  it("is found in forms, before their file and behind it", () => {
    const part = (name: string, value: string, more = "") =>
      `--b\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`;
    const file = part("file", "--\0".repeat(9000), '; filename="a.wav"\r\nContent-Type: audio/wav');
    const model = part("model", "whisper-ü");
    for (const parts of [
      [model, file],
      [file, model],
      [file, part("prompt", 'name="model"'), model, part("language", "en")],
    ]) {
      expect(hint(`${parts.join("")}--b--\r\n`)).toBe("whisper-ü");
    }
    expect(hint(`${file}--b--\r\n`)).toBeUndefined();
    expect(hint(`${part("model", "x".repeat(200))}--b--\r\n`)).toBeUndefined();
    expect(hint(`${file}${part("models", "m")}--b--\r\n`)).toBeUndefined();
  });

  it("is not taken from text that speaks of one", () => {
    expect(hint(String.raw`{"messages":[{"content":"\"model\":\"x\""}]}`)).toBeUndefined();
  });

  it("is none where it is far, long, or no text", () => {
    expect(hint(`{"a":"${"x".repeat(5000)}","model":"gpt-4o"}`)).toBeUndefined();
    expect(hint(`{"model":"${"x".repeat(200)}"}`)).toBeUndefined();
    expect(hint('{"model":7}')).toBeUndefined();
    expect(modelHint(undefined)).toBeUndefined();
  });
});
