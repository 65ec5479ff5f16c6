import { describe, expect, it } from "vitest";
import { ServiceBus } from "../../../shared/messaging/index.ts";
import { silentServer } from "../../support/silent-server.ts";
import { brokerUnderTest, receive } from "./broker-under-test.ts";

const QUEUES = ["one", "two", "three"];

describe("the app's own Service Bus connection", () => {
  it("sends to more queues than it keeps senders for, in order and without loss", async () => {
    await using world = await brokerUnderTest({ queues: QUEUES.map((name) => ({ name })) });
    const { connectionString } = world.broker;
    const bus = new ServiceBus({ kind: "connectionString", connectionString }, { maxSenders: 2 });
    for (let round = 1; round <= 3; round++) {
      for (const queue of QUEUES) {
        await bus.send(queue, { messageId: `message-${queue}-${round}`, body: { round } });
      }
    }
    for (const queue of QUEUES) {
      const messages = await receive(world.client.createReceiver(queue), 3);
      expect(messages.map(({ body }) => body)).toEqual([{ round: 1 }, { round: 2 }, { round: 3 }]);
    }
    await bus.close();
  });

  it("gives up a broker that takes the connection and says nothing, and tells so", async () => {
    await using silent = await silentServer();
    const connectionString =
      `Endpoint=sb://127.0.0.1:${silent.port};SharedAccessKeyName=a;SharedAccessKey=b;` +
      "UseDevelopmentEmulator=true;";
    const bus = new ServiceBus(
      { kind: "connectionString", connectionString },
      { sendTimeoutMs: 50 },
    );
    await expect(bus.send("one", { messageId: "message-1", body: {} })).rejects.toMatchObject({
      code: "messaging-unavailable",
      retryAfterMs: 2000,
    });
    const lockToken = "01234567-89ab-cdef-0123-456789abcdef";
    const cause = { reason: "reason", description: "description" };
    await expect(bus.deadLetter("one", lockToken, cause)).rejects.toMatchObject({
      name: "TimeoutError",
    });
    // To a silent broker the SDK says goodbye for a minute.
    await bus.close();
  });
});
