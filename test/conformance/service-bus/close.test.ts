import { once } from "node:events";
import { connect, type Socket } from "node:net";
import rhea from "rhea";
import { describe, expect, it } from "vitest";
import { brokerUnderTest, receiveOne } from "./broker-under-test.ts";

describe("the end of connections and of the broker", () => {
  it("closes with links open, messages locked and requests held, and leaves no timer", async () => {
    await using under = await brokerUnderTest({
      queues: [{ name: "q" }, { name: "s", requiresSession: true }],
    });
    const { broker, client, clock } = under;
    const sender = client.createSender("q");
    await sender.sendMessages({ body: 1, timeToLive: 60_000 });
    await sender.scheduleMessages({ body: 2 }, new Date(clock.now() + 60_000));
    await receiveOne(client.createReceiver("q"));
    const holder = await client.acceptSession("s", "mine");
    const timers = clock.pending;
    const waiting = client.acceptNextSession("s").catch((error: unknown) => error);
    await expect.poll(() => clock.pending).toBeGreaterThan(timers);
    await broker.close();
    expect(clock.pending).toBe(0);
    await holder.close();
    await client.close();
    expect(await waiting).toBeInstanceOf(Error);
  });

  it("survives clients that speak no AMQP or vanish in the middle of it", async () => {
    await using under = await brokerUnderTest({ queues: [{ name: "q" }] });
    const { broker, client } = under;
    const AMQP_HEADER = [0x41, 0x4d, 0x51, 0x50, 0, 1, 0, 0];
    const nonsense = [
      "GET / HTTP/1.1\r\n\r\n",
      Buffer.from([...AMQP_HEADER, 0, 0, 0, 9, 2, 0, 0, 0, 7]),
    ];
    for (const bytes of nonsense) {
      const socket = connect(broker.port, "127.0.0.1");
      const closed = once(socket, "close");
      socket.resume().on("error", () => {});
      socket.write(bytes);
      await closed;
    }
    const vanishing = connect(broker.port, "127.0.0.1");
    await once(vanishing, "connect");
    vanishing.write(Buffer.from(AMQP_HEADER));
    vanishing.resetAndDestroy();
    await client.createSender("q").sendMessages({ body: "still here" });
    expect((await receiveOne(client.createReceiver("q"))).body).toBe("still here");
  });

  it("frees a session at once when its holder's connection breaks off", async () => {
    await using under = await brokerUnderTest({ queues: [{ name: "s", requiresSession: true }] });
    const { port } = under.broker;
    const options = { host: "127.0.0.1", port, username: "u", reconnect: false };
    const connection = rhea.create_container().connect(options);
    const filter = { "com.microsoft:session-filter": "mine" };
    const receiver = connection.open_receiver({ source: { address: "s", filter } });
    await once(receiver, "receiver_open");
    await expect(under.client.acceptSession("s", "mine")).rejects.toMatchObject({
      code: "SessionCannotBeLocked",
    });
    const { socket } = connection as unknown as { socket: Socket };
    socket.resetAndDestroy();
    const accept = () => under.client.acceptSession("s", "mine").catch(() => undefined);
    await expect.poll(async () => (await accept())?.sessionId).toBe("mine");
  });
});
