import { systemClock } from "../../shared/core/clock.ts";
import type { LocalLog } from "../service.ts";
import { AmqpServer } from "./amqp-server.ts";
import type { BrokerOptions, RunningBroker } from "./index.ts";
import { type EntityCounts, Namespace } from "./namespace.ts";
import { BrokerStore } from "./store/broker-store.ts";
import { forgetMessageIds } from "./store/forget-message-ids.ts";

/** Store, entities and AMQP server of one emulated namespace. Scope: one broker process. */
export class Broker {
  readonly #store: BrokerStore;
  readonly #namespace: Namespace;
  readonly #server: AmqpServer;
  readonly #log: LocalLog;
  readonly #stopForgetting: () => void;
  readonly #broken = Promise.withResolvers<void>();
  #closed: Promise<void> | undefined;

  private constructor(options: BrokerOptions) {
    const { dataDir, namespace: definition, port } = options;
    const { clock = systemClock, log = () => {} } = options;
    this.#log = log;
    this.#store = new BrokerStore(dataDir, (error) => this.#fail(error));
    const store = this.#store;
    try {
      this.#namespace = new Namespace({ definition, store, clock, log });
      store.flush();
    } catch (error) {
      store.abandon();
      throw error;
    }
    this.#stopForgetting = forgetMessageIds(store, clock);
    this.#server = new AmqpServer({ port, namespace: this.#namespace, store, clock, log });
  }

  static async start(options: BrokerOptions): Promise<RunningBroker> {
    const broker = new Broker(options);
    try {
      const port = await broker.#server.listen();
      return broker.#running(port);
    } catch (error) {
      await broker.#close();
      throw error;
    }
  }

  #running(port: number): RunningBroker {
    return {
      url: `amqp://127.0.0.1:${port}`,
      port,
      connectionString: `Endpoint=sb://127.0.0.1:${port};SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=local;UseDevelopmentEmulator=true;`,
      counts: (): EntityCounts[] => this.#namespace.counts(),
      close: () => {
        this.#closed ??= this.#close();
        return this.#closed;
      },
      broken: this.#broken.promise,
    };
  }

  async #close(): Promise<void> {
    this.#store.flush();
    await this.#server.close();
    this.#stopForgetting();
    this.#namespace.close();
    this.#store.close();
  }

  // What was not committed was not acknowledged; to go on would acknowledge what is not there.
  #fail(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.#log(`broker: cannot write its database (${reason}); it stops, and is started again`);
    this.#server.cutOff();
    this.#stopForgetting();
    this.#namespace.close();
    this.#store.abandon();
    this.#closed = Promise.resolve();
    this.#broken.resolve();
  }
}
