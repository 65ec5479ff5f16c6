import { randomUUID } from "node:crypto";
import type { UsageQueue } from "../../shared/gateway/usage/usage-services.ts";
import type { HeldText, QueuedText } from "../../shared/storage/index.ts";

/** A storage queue in memory, as far as the ledger uses one. Scope: one test. */
export class MemoryQueue implements UsageQueue {
  readonly texts: QueuedText[] = [];
  readonly #taken = new Set<string>();
  isAway = false;

  async send(text: string): Promise<void> {
    if (this.isAway) throw new Error("The queue is away.");
    this.texts.push({ messageId: randomUUID(), text, insertedAt: Date.now(), dequeueCount: 1 });
  }

  async peek(): Promise<readonly QueuedText[]> {
    return this.texts.filter(({ messageId }) => !this.#taken.has(messageId)).slice(0, 32);
  }

  async receive(atMost: number): Promise<readonly HeldText[]> {
    const free = (await this.peek()).slice(0, atMost);
    for (const { messageId } of free) this.#taken.add(messageId);
    return free.map((each) => ({ ...each, popReceipt: "receipt" }));
  }

  async giveBack({ messageId }: HeldText): Promise<void> {
    this.#taken.delete(messageId);
  }

  async remove({ messageId }: HeldText): Promise<void> {
    this.texts.splice(
      this.texts.findIndex((each) => each.messageId === messageId),
      1,
    );
  }
}
