import {
  ServiceBusClient,
  type ServiceBusReceivedMessage,
  type ServiceBusReceiver,
} from "@azure/service-bus";
import { shippedLanes } from "../../shared/config/index.ts";

/** One event as the topic brought it. */
export interface ToldEvent {
  readonly jobId: string;
  readonly sequence: number;
  readonly status: string;
  readonly isFinal: boolean;
}

/** A message that nobody is given any more. */
export interface DeadLetter {
  readonly queue: string;
  /** Whose message it is. */
  readonly jobId: string;
  readonly reason: string;
}

/** What is left in the lanes at the end. */
export interface Leftovers {
  readonly waiting: ReadonlyMap<string, number>;
  readonly deadLetters: readonly DeadLetter[];
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
    const deadLetters: DeadLetter[] = [];
    for (const { queue, overQueue } of shippedLanes().lanes) {
      for (const name of [queue, overQueue]) {
        const left = await peekAll(this.#client.createReceiver(name));
        if (left.length > 0) waiting.set(name, left.length);
        const dead = await peekAll(
          this.#client.createReceiver(name, { subQueueType: "deadLetter" }),
        );
        deadLetters.push(...dead.map((message) => deadLetterOf(name, message)));
      }
    }
    return { waiting, deadLetters };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
  }
}

function deadLetterOf(
  queue: string,
  { body, deadLetterReason = "no reason" }: ServiceBusReceivedMessage,
): DeadLetter {
  return { queue, jobId: String(body.id), reason: deadLetterReason };
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
