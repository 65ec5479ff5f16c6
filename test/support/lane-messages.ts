import { expect } from "vitest";
import type { Lane } from "../../shared/config/index.ts";
import { handleRequest, runLaneMessage } from "../../shared/gateway/index.ts";
import { type RequestEnvelope, readRequestEnvelope } from "../../shared/messaging/index.ts";
import { fakeEngine, requestTo, type TestGateway } from "./gateway.ts";

/** The lane of ordinary requests. */
export function standardLane({ services }: TestGateway): Lane {
  const lane = services.lanes.lanes.find(({ name }) => name === "standard");
  if (!lane) throw new Error("There is no lane `standard`.");
  return lane;
}

/** A request as it waits in a lane, for a caller whom another instance holds. */
export function envelopeFor(
  { clock }: TestGateway,
  change: Partial<RequestEnvelope> = {},
): RequestEnvelope {
  return {
    kind: "request",
    id: "request-1",
    userId: "defaultUser",
    priority: 2,
    method: "POST",
    target: "/chat",
    headers: [],
    receivedAt: clock.now(),
    expiresAt: clock.now() + 60_000,
    attemptTimeoutMs: 30_000,
    attempt: 1,
    maxAttempts: 3,
    replySession: "gateway-2",
    ...change,
  };
}

/** Runs one delivery of a message. */
export function run(
  gateway: TestGateway,
  message: unknown,
  { engine = fakeEngine(), deliveryCount = 1 } = {},
): Promise<void> {
  const lane = standardLane(gateway);
  const delivery = { lane, queue: lane.queue, message, messageId: "message-1", deliveryCount };
  return runLaneMessage(gateway.services, delivery, engine);
}

/** Runs a message whose backends ask it to wait, so often; gives it as it comes the next time, as the same attempt. */
export async function askedToWait(
  gateway: TestGateway,
  first: RequestEnvelope | undefined,
  rounds: number,
): Promise<RequestEnvelope | undefined> {
  let message = first;
  for (let round = 0; round < rounds; round++) {
    gateway.backends.answers.length = 0;
    gateway.backends.answer(429, "later", [
      ["S7PREQUEUE", "true"],
      ["retry-after-ms", "400"],
    ]);
    await run(gateway, message);
    const again = gateway.bus.sent.at(-1)?.message;
    expect(again).toMatchObject({ scheduledAt: gateway.clock.now() + 400, body: { attempt: 1 } });
    message = again?.body as RequestEnvelope;
    await gateway.clock.advance(400);
  }
  return message;
}

/** Waits until whatever was accepted is in its lane. */
export async function onItsWay({ services }: TestGateway): Promise<void> {
  await services.jobs?.detached.close();
}

/** Accepts a job through the gateway's door, and gives the envelope of its first attempt, which is sent. */
export async function acceptedJob(
  gateway: TestGateway,
  body = "question",
): Promise<RequestEnvelope> {
  const headers = [
    ["S7PAsyncMode", "true"],
    ["S7PTTL", "60"],
  ] as const;
  const request = requestTo(gateway, { id: "job-1", headers, body });
  const { status } = await handleRequest(gateway.services, request, fakeEngine());
  if (status !== 202) throw new Error(`The job was answered ${status}.`);
  await onItsWay(gateway);
  gateway.bus.sent.length = 0;
  const snapshot = await gateway.services.jobs?.store.read("job-1");
  return readRequestEnvelope(snapshot?.job.request);
}

/** What was sent to those who wait for answers. */
export const replies = ({ bus }: TestGateway) =>
  bus.sent.filter(({ queue }) => queue === "replies");

/** Fails when a message that is over still holds something. */
export function expectNothingHeld(gateway: TestGateway): void {
  const { services, clock } = gateway;
  const gate = services.gates.get(standardLane(gateway).name)?.running ?? 0;
  expect([services.slots.running, services.slots.waiting, gate, clock.pending]).toEqual([
    0, 0, 0, 0,
  ]);
}
