import type { DeadLetterCause, OutgoingMessage, ServiceBus } from "../../shared/messaging/index.ts";
import { FakeLetters } from "./fake-letters.ts";

interface Handlers {
  processMessage(message: { body: unknown }): Promise<void>;
  processError(args: { error: Error; errorSource: string }): Promise<void>;
}

/** One accepted session of the fake bus, as the SDK's receiver shows it. Scope: one test. */
export class FakeSession {
  readonly sessionId: string;
  renewals = 0;
  isClosed = false;
  renewalError: Error | undefined;
  /** Set, its close never settles, as the SDK's may when the broker dies meanwhile. */
  hangsOnClose = false;
  #handlers: Handlers | undefined;

  constructor(sessionId: string) {
    this.sessionId = sessionId;
  }

  subscribe(handlers: Handlers): void {
    this.#handlers = handlers;
  }

  async renewSessionLock(): Promise<void> {
    this.renewals += 1;
    if (this.renewalError) throw this.renewalError;
  }

  async close(): Promise<void> {
    this.isClosed = true;
    if (this.hangsOnClose) await new Promise(() => {});
  }

  /** Delivers as the SDK does: what a handler throws comes back as an error of the callback. */
  async deliver(body: unknown): Promise<void> {
    try {
      await this.#handlers?.processMessage({ body });
    } catch (error) {
      await this.fail(error as Error, "processMessageCallback");
    }
  }

  async fail(error: Error, errorSource = "receive"): Promise<void> {
    await this.#handlers?.processError({ error, errorSource });
  }
}

/** A bus that keeps what is sent and hands out sessions. Scope: one test. */
export class FakeBus {
  readonly sent: { queue: string; message: OutgoingMessage }[] = [];
  readonly deadLetters: ({ queue: string; lockToken: string } & DeadLetterCause)[] = [];
  readonly sessions: FakeSession[] = [];
  readonly #letters = new Map<string, FakeLetters>();
  sendError: Error | undefined;
  acceptError: Error | undefined;
  /** Called with each message that was sent; a test answers from here. */
  onSend: (queue: string, message: OutgoingMessage) => void = () => {};

  /** This bus where the SDK's is expected: a class with private fields has no other equal. */
  get asServiceBus(): ServiceBus {
    return this as unknown as ServiceBus;
  }

  get session(): FakeSession {
    const session = this.sessions.at(-1);
    if (!session) throw new Error("No session was accepted.");
    return session;
  }

  async send(queue: string, message: OutgoingMessage): Promise<void> {
    if (this.sendError) throw this.sendError;
    // As on the wire: what arrives is a copy.
    const copy = { ...message, body: JSON.parse(JSON.stringify(message.body)) as unknown };
    this.sent.push({ queue, message: copy });
    this.onSend(queue, copy);
  }

  async deadLetter(queue: string, lockToken: string, cause: DeadLetterCause): Promise<void> {
    if (this.sendError) throw this.sendError;
    this.deadLetters.push({ queue, lockToken, ...cause });
  }

  async client() {
    return {
      acceptSession: (_: string, sessionId: string) => this.#accept(sessionId),
      createReceiver: (entity: string) => this.lettersOf(entity),
    };
  }

  /** The dead letters of an entity. */
  lettersOf(entity: string): FakeLetters {
    const letters = this.#letters.get(entity) ?? new FakeLetters();
    this.#letters.set(entity, letters);
    return letters;
  }

  async close(): Promise<void> {}

  async #accept(sessionId: string): Promise<FakeSession> {
    if (this.acceptError) throw this.acceptError;
    const session = new FakeSession(sessionId);
    this.sessions.push(session);
    return session;
  }
}
