import { describe, expect, it, onTestFinished } from "vitest";
import { handleRequest } from "../../../../shared/gateway/index.ts";
import { createGateway, requestTo } from "../../../support/gateway.ts";
import { envelopeFor, replies, run } from "../../../support/lane-messages.ts";
import { bodyOf, textOf } from "../../../support/streams.ts";

describe("what stands behind the body of an answer", () => {
  it("is sent along through a lane, but for what clients are not to see", async () => {
    const gateway = createGateway({ StripResponseHeaders: "X-Secret" });
    const trailers = () =>
      [
        ["X-Sum", "7"],
        ["x-secret", "1"],
        ["Server", "own"],
      ] as const;
    gateway.backends.answers.push(async () => ({
      status: 200,
      headers: [],
      body: bodyOf("a"),
      trailers,
      discard() {},
    }));
    await run(gateway, envelopeFor(gateway));
    const [reply] = replies(gateway);
    expect(reply?.message.body).toMatchObject({ body: { text: "a" }, trailers: [["X-Sum", "7"]] });
  });

  it.each([
    ["a short reply", { text: "short" }, "short"],
    ["a reply without a body", undefined, ""],
    ["a large reply", { blob: "replies/1", sizeBytes: 5 }, "large"],
  ])("comes out of %s", async (_, body, text) => {
    const gateway = createGateway({ GATEWAY_SYNC_MODE: "queued" });
    onTestFinished(() => gateway.replies.close());
    await gateway.work.write("replies/1", Buffer.from("large"));
    const serving = handleRequest(gateway.services, requestTo(gateway), undefined);
    await gateway.clock.advance(0);
    const trailers = [["X-Sum", "7"]];
    const reply = { requestId: "request-1", status: 200, headers: [], trailers };
    await gateway.bus.session.deliver({ ...reply, ...(body && { body }) });
    const answer = await serving;
    // Sent in one piece it would have a length, and behind that there is room for nothing.
    expect(answer.body).not.toBeInstanceOf(Uint8Array);
    expect(await textOf(answer.body)).toBe(text);
    expect(answer.trailers?.()).toEqual(trailers);
  });
});
