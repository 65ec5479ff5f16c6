import { once } from "node:events";
import type { AddressInfo, Server, Socket } from "node:net";
import type { Clock } from "../../shared/core/clock.ts";
import { type LocalLog, StartError } from "../service.ts";
import { acknowledgePromptly } from "./amqp/prompt-acks.ts";
import {
  createContainer,
  type RheaConnection,
  type RheaContainer,
  type RheaContext,
} from "./amqp/rhea.ts";
import { repairSession } from "./amqp/session-repairs.ts";
import { CHANNEL_MAX, CLOSE_GRACE_MS, IDLE_TIMEOUT_MS, MAX_FRAME_BYTES } from "./limits.ts";
import { attachLink } from "./links/attach.ts";
import { ClientLinks } from "./links/client-links.ts";
import type { Namespace } from "./namespace.ts";
import type { BrokerStore } from "./store/broker-store.ts";

const HOST = "127.0.0.1";
const CLOSING = {
  condition: "amqp:connection:forced",
  description: "The broker is shutting down.",
};

export interface AmqpServerOptions {
  readonly port: number;
  readonly namespace: Namespace;
  readonly store: BrokerStore;
  readonly clock: Clock;
  readonly log: LocalLog;
}

/** The AMQP side of a broker: its port, and the clients that are connected. Scope: one process. */
export class AmqpServer {
  readonly #options: AmqpServerOptions;
  readonly #container: RheaContainer;
  readonly #clients = new Map<RheaConnection, ClientLinks>();
  /** Every socket, also of those who connected and have said nothing yet. */
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  constructor(options: AmqpServerOptions) {
    this.#options = options;
    this.#container = createContainer({ id: "local-service-bus" });
    offerMechanisms(this.#container);
    this.#handleEvents();
  }

  /** Starts to listen; returns the port. */
  async listen(): Promise<number> {
    const { port } = this.#options;
    const server = this.#container.listen({
      host: HOST,
      port,
      max_frame_size: MAX_FRAME_BYTES,
      idle_time_out: IDLE_TIMEOUT_MS,
      channel_max: CHANNEL_MAX,
      tcp_no_delay: true,
      sender_options: { autosettle: false, treat_modified_as_released: false },
      receiver_options: { autoaccept: false, autosettle: false, credit_window: 0 },
      autoaccept: false,
      autosettle: false,
      credit_window: 0,
      treat_modified_as_released: false,
    });
    this.#server = server;
    server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    try {
      await once(server, "listening");
    } catch (error) {
      throw listenError(error, port);
    }
    return (server.address() as AddressInfo).port;
  }

  /** Stops listening and closes every connection; clients that do not answer are cut off. */
  async close(): Promise<void> {
    const closed = this.#server ? once(this.#server, "close") : Promise.resolve();
    this.#server?.close();
    for (const connection of this.#clients.keys()) connection.close(CLOSING);
    const cutOff = setTimeout(() => this.cutOff(), CLOSE_GRACE_MS);
    await closed;
    clearTimeout(cutOff);
  }

  /** Drops every connection at once: nothing more reaches a client. */
  cutOff(): void {
    this.#server?.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #handleEvents(): void {
    const container = this.#container;
    container.on("connection_open", ({ connection }) => this.#onConnection(connection));
    container.on("session_open", ({ session }) => repairSession(session));
    container.on("receiver_open", (context) => this.#onAttach(context, context.receiver));
    container.on("sender_open", (context) => this.#onAttach(context, context.sender));
    container.on("receiver_close", ({ connection, receiver }) =>
      this.#clients.get(connection)?.close(receiver),
    );
    container.on("sender_close", ({ connection, sender }) =>
      this.#clients.get(connection)?.close(sender),
    );
    container.on("session_close", ({ connection, session }) =>
      this.#clients.get(connection)?.closeSession(session),
    );
    container.on("connection_close", ({ connection }) => this.#forget(connection));
    container.on("disconnected", ({ connection }) => this.#forget(connection));
    // Unheard, these events would be thrown out of rhea and end the process.
    for (const event of ["receiver_error", "sender_error", "session_error", "connection_error"]) {
      container.on(event, () => {});
    }
    for (const event of ["protocol_error", "error"]) {
      container.on(event, (error) => this.#options.log(`broker: ${describe(error)}`));
    }
  }

  #onConnection(connection: RheaConnection): void {
    const links = new ClientLinks();
    this.#clients.set(connection, links);
    acknowledgePromptly(connection);
    connection.socket.on("drain", () => links.resume());
    connection.socket.once("close", () => this.#forget(connection));
  }

  #onAttach({ connection }: RheaContext, link: RheaContext["sender"]): void {
    const links = this.#clients.get(connection);
    const { namespace, store, clock } = this.#options;
    if (links) attachLink(link, { namespace, store, clock, links });
  }

  #forget(connection: RheaConnection): void {
    this.#clients.get(connection)?.closeAll();
    this.#clients.delete(connection);
  }
}

/** ANONYMOUS comes first: the JavaScript client takes the first that it knows. */
function offerMechanisms(container: RheaContainer): void {
  const mechanisms = container.sasl_server_mechanisms;
  mechanisms.enable_anonymous();
  // The name under which .NET asks for the same.
  mechanisms["MSSBCBS"] = () => ({ outcome: undefined, start: acceptAnyone });
  mechanisms.enable_plain(() => true);
}

function acceptAnyone(this: { outcome: boolean | undefined }): void {
  this.outcome = true;
}

function listenError(error: unknown, port: number): Error {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "EADDRINUSE") {
    return new StartError(
      `Port ${port} is taken, and the Service Bus broker needs it. Stop what uses it, or set LOCAL_BROKER_PORT to a free port.`,
    );
  }
  if (code === "EACCES") {
    return new StartError(
      `The Service Bus broker may not listen on port ${port}. Set LOCAL_BROKER_PORT to a port above 1023.`,
    );
  }
  return error instanceof Error ? error : new Error(String(error));
}

const describe = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
