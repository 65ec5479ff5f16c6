import { describe, expect, it } from "vitest";
import { fromUsageMessage, toUsageMessages } from "../../../../shared/ledger/index.ts";
import type { UsageEvent } from "../../../../shared/usage/index.ts";
import { textOf } from "../../../support/streams.ts";
import { JSON_TYPE, open, serve, TOKENS, USAGE, uses } from "./usage-calls.ts";

describe("the journal of what was used", () => {
  it("tells an unusual tier, in few names", async () => {
    const gateway = open({ Host2: "" });
    const tiers = ["default", "priority", "Priority", "standard", 7, "on_demand_flex", null];
    const many = Array.from({ length: 40 }, (_, n) => `tier-${n}`);
    const all = [...tiers, ...many];
    for (const tier of all) {
      const answer = JSON.stringify({ usage: USAGE, service_tier: tier });
      gateway.backends.answer(200, answer, JSON_TYPE);
    }
    for (const _ of all) await textOf((await serve(gateway)).body);
    const told = gateway.uses.map(({ serviceTier }) => serviceTier);
    expect(told.slice(0, 7)).toEqual([
      ...[undefined, "priority", "priority", undefined, undefined, "flex", undefined],
    ]);
    expect(new Set(told).size).toBe(34);
    expect(told.at(-1)).toBe("other");
    const record = gateway.records.find(({ event }) => event === "attempt.ended");
    expect(record).toMatchObject({ serviceTier: "default" });
  });

  it("tells of no tier what the ledger would not take", async () => {
    const gateway = open({ Host2: "" });
    for (const tier of ["on_demand_", "ON_DEMAND_1", "1", "a b"]) {
      const answer = JSON.stringify({ usage: USAGE, service_tier: tier });
      gateway.backends.answer(200, answer, JSON_TYPE);
      await textOf((await serve(gateway)).body);
    }
    const told = toUsageMessages(gateway.uses as unknown as UsageEvent[], () => "message");
    expect(told.map(({ text }) => fromUsageMessage(JSON.parse(text)).poison)).toEqual([undefined]);
  });

  it("has a provider's batch as one of that tier, once it is over", async () => {
    const gateway = open({ Host2: "" });
    const batch = { id: "batch_1", object: "batch", created_at: 1_700_000_000 };
    for (const status of ["in_progress", "completed"]) {
      const usage = status === "completed" ? { input_tokens: 7, output_tokens: 3 } : undefined;
      gateway.backends.answer(200, JSON.stringify({ ...batch, status, usage }), JSON_TYPE);
    }
    const asked = { method: "GET", target: "/v1/batches/batch_1", body: "" };
    for (let times = 0; times < 2; times++) await textOf((await serve(gateway, asked)).body);
    expect(gateway.uses.at(-1)).toMatchObject({ serviceTier: "batch", tokens: TOKENS });
  });

  it("has what pictures and sounds used under the model that was asked for, and guesses at none of it", async () => {
    const gateway = open({ Host2: "" });
    const form = '--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper\r\n--b--\r\n';
    const asked = [
      ["/v1/images/generations", '{"model":"gpt-image"}', { data: [], usage: USAGE }],
      ["/v1/audio/transcriptions", form, { text: "what was heard" }],
      ["/v1/moderations", '{"model":"omni","input":"x"}', { results: [{ flagged: false }] }],
      ["/v2/rerank", '{"model":"rerank-v4"}', { results: [{ document: { text: "a" } }] }],
    ] as const;
    for (const [, , answer] of asked)
      gateway.backends.answer(200, JSON.stringify(answer), JSON_TYPE);
    for (const [target, body] of asked) await textOf((await serve(gateway, { target, body })).body);
    expect(uses(gateway)).toMatchObject([
      { model: "gpt-image", provenance: "reported", tokens: TOKENS },
      { model: "whisper", provenance: "unknown" },
      { model: "omni", provenance: "unknown" },
      { model: "rerank-v4", provenance: "unknown" },
    ]);
    const records = gateway.records.filter(({ event }) => event === "request.ended");
    expect(records).toMatchObject([
      { operation: "generate_content", outputType: "image", requestModel: "gpt-image" },
      { operation: "generate_content", outputType: "text", requestModel: "whisper" },
      { operation: "moderation", outputType: undefined },
      { operation: "rerank", provider: "cohere" },
    ]);
  });
});
