import { describe, expect, it } from "vitest";
import { fromTraceFields, toTraceparent } from "../../../shared/core/trace-context.ts";
import {
  enqueueAttempt,
  handleRequest,
  runLaneMessage,
  type Services,
} from "../../../shared/gateway/index.ts";
import { Tracing } from "../../../shared/telemetry/index.ts";
import { createGateway, fakeEngine, requestTo, type TestGateway } from "../../support/gateway.ts";
import { textOf } from "../../support/streams.ts";

const HOST = { Host1: "host=https://one.test;mode=direct" };
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const CALLER = ["traceparent", `00-${TRACE}-b7ad6b7169203331-01`] as const;

interface Span {
  readonly event: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
}

const tracedBy = ({ services }: TestGateway): Services => ({
  ...services,
  tracing: new Tracing(() => true, Math.random),
});
const spansOf = ({ records, events }: TestGateway): Span[] =>
  [...events, ...records].filter(({ traceId }) => traceId !== undefined) as unknown as Span[];
const spanOf = (gateway: TestGateway, event: string, index = 0): Span => {
  const found = spansOf(gateway).filter((span) => span.event === event)[index];
  if (!found) throw new Error(`There is no span of ${event}.`);
  return found;
};
const sentContext = ({ backends }: TestGateway, call: number) => {
  const headers = Object.fromEntries(backends.calls[call]?.headers ?? []);
  return fromTraceFields(headers);
};

/** Hands a message that was sent to its lane's worker, as the trigger does. */
async function work(gateway: TestGateway, services: Services, index: number): Promise<void> {
  const sent = gateway.bus.sent.filter(({ queue }) => queue !== "replies")[index];
  const lane = services.lanes.lanes.find(({ queue }) => queue === sent?.queue);
  if (!sent || !lane) throw new Error("Nothing was sent to a lane.");
  const { body: message, messageId, applicationProperties: properties } = sent.message;
  const delivery = { lane, queue: lane.queue, message, messageId, deliveryCount: 1, properties };
  await runLaneMessage(services, delivery, fakeEngine());
}

describe("a request that is traced", () => {
  it("has each call to a backend beneath it, and the backend beneath that", async () => {
    const other = { Host2: "host=https://two.test;mode=direct" };
    const gateway = createGateway({ ...HOST, ...other, GATEWAY_SYNC_MODE: "direct" });
    gateway.backends.answer(500);
    gateway.backends.answer(200, "ok");
    const request = requestTo(gateway, { headers: [CALLER, ["tracestate", "v=1"]] });
    const { body } = await handleRequest(tracedBy(gateway), request, undefined);
    await textOf(body);
    const [server, first, second] = [
      spanOf(gateway, "request.ended"),
      spanOf(gateway, "attempt.ended"),
      spanOf(gateway, "attempt.ended", 1),
    ];
    expect(server).toMatchObject({ traceId: TRACE, parentSpanId: "b7ad6b7169203331" });
    for (const [call, attempt] of [first, second].entries()) {
      expect(attempt).toMatchObject({ traceId: TRACE, parentSpanId: server.spanId });
      expect(sentContext(gateway, call)).toEqual({
        traceId: TRACE,
        spanId: attempt.spanId,
        isSampled: true,
        state: "v=1",
      });
    }
    expect(first.spanId).not.toBe(second.spanId);
  });

  it("leaves the client's own header as it is where nobody traces", async () => {
    const gateway = createGateway({ ...HOST, GATEWAY_SYNC_MODE: "direct" });
    gateway.backends.answer(200, "ok");
    const request = requestTo(gateway, { headers: [CALLER] });
    await handleRequest(gateway.services, request, undefined);
    expect(gateway.backends.calls[0]?.headers).toContainEqual(CALLER);
    expect(spansOf(gateway)).toEqual([]);
  });

  it("goes on through its lane: sent, worked on, called", async () => {
    const gateway = createGateway({ ...HOST, GATEWAY_SYNC_MODE: "queued" });
    const services = tracedBy(gateway);
    gateway.backends.answer(200, "ok");
    const answering = handleRequest(services, requestTo(gateway, { headers: [CALLER] }), undefined);
    await expect.poll(() => gateway.bus.sent.length, { timeout: 20_000 }).toBe(1);
    await work(gateway, services, 0);
    const reply = gateway.bus.sent.find(({ queue }) => queue === "replies");
    await gateway.bus.session.deliver(reply?.message.body);
    expect((await answering).status).toBe(200);
    const producer = spanOf(gateway, "message.sent");
    const consumer = spanOf(gateway, "message.ended");
    const attempt = spanOf(gateway, "attempt.ended");
    expect(producer.parentSpanId).toBe(spanOf(gateway, "request.ended").spanId);
    expect(consumer.parentSpanId).toBe(producer.spanId);
    expect(attempt.parentSpanId).toBe(consumer.spanId);
    expect(sentContext(gateway, 0)?.spanId).toBe(attempt.spanId);
  });
});

describe("a job that is traced", () => {
  it("has every attempt beneath the request that asked for it, by the orchestration's input", async () => {
    const gateway = createGateway(HOST);
    const services = tracedBy(gateway);
    const engine = fakeEngine();
    const headers = [CALLER, ["S7PAsyncMode", "true"]] as const;
    expect((await handleRequest(services, requestTo(gateway, { headers }), engine)).status).toBe(
      202,
    );
    const server = spanOf(gateway, "request.ended");
    const input = engine.start.mock.calls[0]?.[1];
    expect(input?.trace?.traceparent).toBe(
      toTraceparent({ traceId: TRACE, spanId: server.spanId, isSampled: true }),
    );
    const trace = input?.trace;
    if (!trace) throw new Error("The orchestration is given no trace.");
    for (const attempt of [1, 2]) {
      await enqueueAttempt(services, { jobId: "request-1", attempt, epoch: 0, trace });
    }
    gateway.backends.answer(200, "ok");
    await work(gateway, services, 1);
    for (const index of [0, 1]) {
      expect(spanOf(gateway, "message.sent", index)).toMatchObject({
        traceId: TRACE,
        parentSpanId: server.spanId,
      });
    }
    expect(spanOf(gateway, "message.ended").parentSpanId).toBe(
      spanOf(gateway, "message.sent", 1).spanId,
    );
    expect(spanOf(gateway, "attempt.ended").parentSpanId).toBe(
      spanOf(gateway, "message.ended").spanId,
    );
  });
});
