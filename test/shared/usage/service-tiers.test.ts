import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AnswerUsage, UsageReader } from "../../../shared/usage/index.ts";
import { amazonFrame, invokeFrame } from "./amazon-frames.ts";
import { bytesOf, cut, JSON_TYPE, read, SSE } from "./reading.ts";
import { RECORDED_ANSWERS } from "./recorded-answers.ts";
import { RECORDED_TIERS } from "./recorded-tiers.ts";

describe("the tier of an answer, and why it ended", () => {
  type Said = Pick<AnswerUsage, "serviceTier" | "finishReasons">;
  const said = ({ serviceTier, finishReasons }: Said) => [serviceTier, finishReasons];

  it.each(RECORDED_TIERS)("are read however the bytes are cut: $name", async (answer) => {
    const bytes = bytesOf(answer);
    expect(said(await read([bytes], answer))).toEqual(said(answer));
    expect(said(await read(cut(bytes, [...bytes.keys()]), answer))).toEqual(said(answer));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.byteLength)), async (places) => {
        expect(said(await read(cut(bytes, places), answer))).toEqual(said(answer));
      }),
      { numRuns: 30 },
    );
  });

  it("names no tier where none is told", async () => {
    const told = RECORDED_ANSWERS.filter(({ text }) => !/tier|trafficType|"batch"/i.test(text));
    expect(told.length).toBeGreaterThan(30);
    for (const answer of told) {
      expect((await read([bytesOf(answer)], answer)).serviceTier).toBeUndefined();
    }
  });

  it("is found in a document too long to hold, and in a stream that was left or tells no usage", async () => {
    const long = { data: "x".repeat(300_000), usage: { total_tokens: 3 }, service_tier: "flex" };
    const document = await read([Buffer.from(JSON.stringify(long))], JSON_TYPE);
    expect(document).toMatchObject({ serviceTier: "flex", finishReasons: undefined });
    const chunk = { model: "m", service_tier: "priority", choices: [{ delta: { content: "a" } }] };
    const begun = Buffer.from(`data: ${JSON.stringify(chunk)}\n\n`);
    for (const isWhole of [true, false]) {
      const usage = await read([begun], { ...SSE, isWhole });
      expect(usage).toMatchObject({ serviceTier: "priority", uncounted: { text: "a" } });
    }
  });

  it("is of Azure's own where a deployment had no room and another answered in its place", async () => {
    const spilled = ["x-ms-spillover-from-deployment", "gpt-ptu"] as const;
    for (const [told, tier] of [
      [undefined, "spillover"],
      ["default", "spillover"],
      ["priority", "priority"],
    ]) {
      const reader = new UsageReader([["content-type", "application/json"], spilled]);
      reader.read(Buffer.from(JSON.stringify({ usage: { total_tokens: 3 }, service_tier: told })));
      expect((await reader.end(true)).serviceTier).toBe(tier);
    }
  });

  it("is read from heads that alone say it, and from binary streams", async () => {
    const readAs = async (headers: readonly (readonly [string, string])[], body: Uint8Array) => {
      const reader = new UsageReader(headers);
      reader.read(body);
      return (await reader.end(true)).serviceTier;
    };
    const type = ["content-type", "application/json"] as const;
    const gemini = Buffer.from(JSON.stringify({ usageMetadata: { promptTokenCount: 3 } }));
    expect(await readAs([type, ["X-Gemini-Service-Tier", "FLEX"]], gemini)).toBe("flex");
    const count = ["x-amzn-bedrock-input-token-count", "3"] as const;
    const tier = ["x-amzn-bedrock-service-tier", "flex"] as const;
    expect(await readAs([type, count, tier], Buffer.from("{}"))).toBe("flex");
    const binary = ["content-type", "application/vnd.amazon.eventstream"] as const;
    const claude = invokeFrame({ type: "message_start", message: { usage: { input_tokens: 3 } } });
    expect(await readAs([binary, tier], claude)).toBe("flex");
    const metadata = { usage: { inputTokens: 3 }, serviceTier: { type: "priority" } };
    expect(await readAs([binary, tier], amazonFrame("metadata", metadata))).toBe("priority");
  });
});
