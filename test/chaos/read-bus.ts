import { ServiceBusClient, type ServiceBusReceiver } from "@azure/service-bus";
import { shippedLanes } from "../../shared/config/index.ts";

/** One event as the topic brought it. */
export interface ToldEvent {
  readonly jobId: string;
  readonly sequence: number;
  readonly status: string;
  readonly isFinal: boolean;
}

/** What is left in the queues at the end: nothing, or dead letters that somebody explains. */
export interface Leftovers {
  readonly waiting: ReadonlyMap<string, number>;
  readonly deadLetters: ReadonlyMap<string, readonly string[]>;
}

const PAGE = 500;

/** The bus as an outsider sees it, through the unmodified SDK. Scope: one run. */
export class BusReader implements AsyncDisposable {
  readonly #client: ServiceBusClient;

  constructor(port: number) {
    this.#client = new ServiceBusClient(
      `Endpoint=sb://127.0.0.1:${port};SharedAccessKeyName=k;SharedAccessKey=v;UseDevelopmentEmulator=true;`,
    );
  }

  /** All events that the subscription has, in the order of their arrival; they stay there. */
  async told(): Promise<ToldEvent[]> {
    const { topic, subscription } = shippedLanes().statusTopic;
    const messages = await peekAll(this.#client.createReceiver(topic, subscription));
    return messages.map(({ body }) => {
      const { jobId, sequence, Status, isFinal } = body;
      return { jobId, sequence, status: Status, isFinal };
    });
  }

  async leftovers(): Promise<Leftovers> {
    const waiting = new Map<string, number>();
    const deadLetters = new Map<string, readonly string[]>();
    for (const { queue, overQueue } of shippedLanes().lanes) {
      for (const name of [queue, overQueue]) {
        const left = await peekAll(this.#client.createReceiver(name));
        if (left.length > 0) waiting.set(name, left.length);
        const dead = await peekAll(
          this.#client.createReceiver(name, { subQueueType: "deadLetter" }),
        );
        const reasons = dead.map((message) => `${message.messageId}: ${message.deadLetterReason}`);
        if (dead.length > 0) deadLetters.set(name, reasons);
      }
    }
    return { waiting, deadLetters };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
  }
}

async function peekAll(receiver: ServiceBusReceiver) {
  const messages = [];
  for (;;) {
    const page = await receiver.peekMessages(PAGE);
    if (page.length === 0) break;
    messages.push(...page);
  }
  await receiver.close();
  return messages;
}
