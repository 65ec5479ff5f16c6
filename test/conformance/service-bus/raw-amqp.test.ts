import { once } from "node:events";
import rhea, { type Connection, type EventContext, type Receiver, type Sender } from "rhea";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BrokerUnderTest, brokerUnderTest } from "./broker-under-test.ts";

const { types } = rhea;
const ACCEPTED = 0x24;
const COORDINATOR = 0x30;
interface ClientFrame {
  performative: { role: boolean; handle: number };
}
type ClientLink = { on_attach(frame: ClientFrame): void };
/** What the test needs of rhea's inside. */
interface ClientSession {
  links: Record<string, unknown>;
  remote: { handles: Record<number, unknown> };
  begin(): void;
  open_sender(options: object): Sender & ClientLink;
  open_receiver(options: object): Receiver & ClientLink;
  on_attach(frame: ClientFrame): void;
}

const UNAUTHENTICATED = { username: "anyone" };

/** What clients other than the JavaScript SDK do, over bare AMQP. */
describe("AMQP as other clients speak it", () => {
  let under: BrokerUnderTest;
  let connection: Connection;

  beforeAll(async () => {
    const names = ["plain", "twins", "with space", "eager", "presettled", "bulk"];
    under = await brokerUnderTest({ queues: names.map((name) => ({ name })) });
    connection = await open(UNAUTHENTICATED);
  });

  afterAll(async () => {
    connection.close();
    await under[Symbol.asyncDispose]();
  });

  async function open(options: object): Promise<Connection> {
    const container = rhea.create_container();
    const { port } = under.broker;
    const opened = container.connect({ host: "127.0.0.1", port, reconnect: false, ...options });
    await once(opened, "connection_open");
    return opened;
  }

  const nextMessage = async (receiver: Receiver): Promise<EventContext> => {
    const [context] = await once(receiver, "message");
    return context;
  };
  const send = async (target: object | string, body: unknown) => {
    const sender = connection.open_sender(target as string);
    await once(sender, "sendable");
    sender.send({ body });
    await once(sender, "accepted");
    sender.close();
  };

  it("answers an attach before it sends on the link, though credit came with the attach", async () => {
    await send("eager", "waiting");
    const receiver = connection.open_receiver({ source: "eager", credit_window: 10 });
    const { message: received } = await nextMessage(receiver);
    expect(received?.body).toBe("waiting");
    receiver.close();
  });

  it("goes on sending as the client takes it, on credit that was given once", async () => {
    const body = "x".repeat(200_000);
    for (let count = 0; count < 30; count++) await send("bulk", body);
    const receiver = connection.open_receiver({ source: "bulk", credit_window: 0 });
    let received = 0;
    const all = new Promise<void>((resolve) => {
      receiver.on("message", () => {
        received += 1;
        if (received === 30) resolve();
      });
    });
    receiver.add_credit(30);
    await all;
    receiver.close();
  });

  it("keeps a sender and a receiver of one name in one session apart", async () => {
    const session = connection.create_session() as unknown as ClientSession;
    session.begin();
    const sender = session.open_sender({ name: "twin", target: { address: "twins" } });
    // rhea as a client mixes the two up just as it does as a server.
    session.links["its twin"] = sender;
    const receiver = session.open_receiver({ name: "twin", source: { address: "twins" } });
    session.on_attach = (frame) => {
      const link = frame.performative.role ? sender : receiver;
      session.remote.handles[frame.performative.handle] = link;
      link.on_attach(frame);
    };
    const arriving = nextMessage(receiver);
    await once(sender, "sendable");
    sender.send({ body: "to my twin" });
    expect((await arriving).message?.body).toBe("to my twin");
    sender.close();
    receiver.close();
    await once(receiver, "receiver_close");
    expect(connection.is_open()).toBe(true);
  });

  it("understands addresses with a leading slash and percent-encoding", async () => {
    await send("/with%20space", "found");
    expect(under.broker.counts().find(({ path }) => path === "with space")?.active).toBe(1);
  });

  it("lets .NET in under its own mechanism's name", async () => {
    const mechanism = () => ({
      start: (answer: (error: unknown, bytes: string) => void) => answer(undefined, ""),
    });
    const dotnet = await open({ sasl_mechanisms: { MSSBCBS: mechanism } });
    expect(dotnet.is_open()).toBe(true);
    dotnet.close();
  });

  it("takes messages that their sender settled, without answering", async () => {
    const sender = connection.open_sender({ target: "presettled", snd_settle_mode: 1 });
    await once(sender, "sendable");
    sender.send({ body: 1 });
    await expect
      .poll(() => under.broker.counts().find(({ path }) => path === "presettled")?.active)
      .toBe(1);
    sender.close();
  });

  it("refuses transactions by name", async () => {
    const sender = connection.open_sender({ target: { address: "ignored" } });
    const { local } = sender as unknown as { local: { attach: { target: unknown } } };
    local.attach.target = types.wrap_described([], COORDINATOR);
    await once(sender, "sender_error");
    expect(sender.error).toMatchObject({
      condition: "amqp:not-implemented",
      description: "The local stack does not emulate transactions.",
    });
  });

  it("answers a word on a delivery that it does not know with lock lost", async () => {
    await send("plain", "x");
    const receiver = connection.open_receiver({
      source: "plain",
      rcv_settle_mode: 1,
      autoaccept: false,
    });
    const { delivery } = await nextMessage(receiver);
    await under.clock.advance(60_000);
    delivery?.update(false, types.wrap_described([], ACCEPTED));
    await once(receiver, "settled");
    const { remote_state } = delivery as unknown as { remote_state: { error: object } };
    expect(remote_state.error).toMatchObject({ condition: "com.microsoft:message-lock-lost" });
    receiver.close();
  });

  it("answers requests with the AMQP types that typed clients cast to", async () => {
    const receiver = connection.open_receiver({
      source: "plain/$management",
      target: "my-replies",
      autoaccept: false,
    });
    const sender = connection.open_sender({ target: "plain/$management", snd_settle_mode: 1 });
    await once(sender, "sendable");
    const ask = async (operation: string, body: unknown) => {
      const arriving = nextMessage(receiver);
      const application_properties = { operation };
      sender.send({ message_id: "1", reply_to: "my-replies", application_properties, body });
      return (await arriving).message;
    };
    const peeked = await ask("com.microsoft:peek-message", {
      "from-sequence-number": types.wrap_long(0),
      "message-count": types.wrap_int(1),
    });
    expect(peeked).toMatchObject({
      correlation_id: "1",
      application_properties: { statusCode: 200 },
    });
    const unknown = await ask("com.microsoft:batch-delete-messages", {});
    expect(unknown?.application_properties).toMatchObject({
      statusCode: 501,
      errorCondition: "amqp:not-implemented",
    });
    sender.close();
    receiver.close();
  });

  it("answers on the session that asked, though another has a response link of the same name", async () => {
    const answers = await Promise.all(
      ["first", "second"].map(async (message_id) => {
        const session = connection.create_session();
        session.begin();
        const receiver = session.open_receiver({ name: "cbs", source: { address: "$cbs" } });
        const sender = session.open_sender({ target: { address: "$cbs" } });
        const answered: unknown[] = [];
        receiver.on("message", ({ message }) => answered.push(message?.correlation_id));
        await Promise.all([once(sender, "sendable"), once(receiver, "receiver_open")]);
        return { session, answered, ask: () => sender.send(putToken(message_id)) };
      }),
    );
    for (const { ask } of answers) ask();
    await expect.poll(() => answers.flatMap(({ answered }) => answered)).toHaveLength(2);
    expect(answers.map(({ answered }) => answered)).toEqual([["first"], ["second"]]);
    for (const { session } of answers) session.close();
  });
});

const putToken = (message_id: string) => ({
  message_id,
  reply_to: "cbs",
  application_properties: { operation: "put-token" },
  body: "token",
});
