import type { Socket } from "node:net";
import { type buildConnector, Client, type Dispatcher } from "undici";
import type { Clock } from "../core/clock.ts";
import { CloseNotice } from "./close-notice.ts";
import { passOverContinue } from "./unasked-continue.ts";

/** What is known of the connection on which a request goes out. Scope: one connection slot. */
export class Line {
  readonly #aging: Aging;
  #socket: Socket | undefined;
  #notice: CloseNotice | undefined;
  #keptBefore = 0;
  #hasServed = false;
  #isAwaited = false;
  #seenBytes = 0;
  #seenAt = 0;

  constructor(aging: Aging) {
    this.#aging = aging;
  }

  /** There is a new connection. */
  opened(socket: Socket | undefined): void {
    this.#socket = socket;
    this.#notice = socket && isTls(socket) && !this.isShared ? new CloseNotice(socket) : undefined;
    this.#keptBefore = this.#aging.clock.now() + this.#aging.keptForMs;
    this.#hasServed = false;
    this.#seenBytes = -1;
    if (socket && !this.isShared) passOverContinue(socket, () => this.#isAwaited);
  }

  /** A request goes out on it. */
  asked(): void {
    this.#isAwaited = true;
  }

  /** An answer has begun on it. */
  answered(): void {
    this.#hasServed = true;
    this.#isAwaited = false;
  }

  /** Whether it was kept from an earlier request, so that its backend may have closed it meanwhile. */
  get hasServed(): boolean {
    return this.#hasServed;
  }

  /** Of the answers on it, without what TLS adds; of all streams together in HTTP/2. */
  get bytesRead(): number {
    return this.#socket?.bytesRead ?? 0;
  }

  /** Whether it is one of HTTP/2. */
  get isShared(): boolean {
    return alpnOf(this.#socket) === "h2";
  }

  /**
   * Whether it broke, and did not end: only the one completes an answer that has neither length nor chunks. That
   * is asked as an answer ends, and all others end while their connection can still be read.
   */
  get isBroken(): boolean {
    if (!this.#socket) return false;
    if (this.#socket.errored) return true;
    return this.#socket.readableEnded && this.#notice?.hasCome === false;
  }

  /**
   * An answer has ended, and with it a connection that is too old for another. So does one whose backend left
   * something unread of the request: that would come before the next one, which might then never be read.
   */
  ended(): void {
    const socket = this.#socket;
    if (!socket || this.isShared) return;
    const isOld = this.#aging.clock.now() >= this.#keptBefore;
    if (isOld || socket.writableLength > 0) queueMicrotask(() => socket.destroy());
  }

  /** Looks whether something has come since the last look; gives for how long at least nothing has. */
  look(nowMs: number): number {
    const { bytesRead } = this;
    if (bytesRead !== this.#seenBytes) this.#seenAt = nowMs;
    this.#seenBytes = bytesRead;
    return nowMs - this.#seenAt;
  }

  /**
   * A call on it has waited in vain. Of HTTP/1.1 its connection ends with it; a shared one would be given to the
   * next call, and take it down as well, if its peer is gone without a word.
   */
  failed(nowMs: number): void {
    if (this.isShared && this.look(nowMs) >= SILENT_MS) this.#socket?.destroy();
  }
}

/** How often a peer that speaks HTTP/2 is asked whether it is there. */
export const PING_MS = 15_000;
// Two answers that did not come, and time for a third.
const SILENT_MS = 40_000;

const isTls = (socket: Socket): boolean => "encrypted" in socket;

const alpnOf = (socket: object | undefined): unknown =>
  socket && "alpnProtocol" in socket ? socket.alpnProtocol : undefined;

/** Who is told on which line their request goes out. */
export interface Passenger extends Dispatcher.DispatchHandler {
  takes(line: Line): void;
}

/** How long a connection that is not shared is kept after it was opened, for who asks for another request. */
interface Aging {
  readonly clock: Clock;
  readonly keptForMs: number;
}

export interface ConnectionOptions extends Omit<Client.Options, "connect"> {
  readonly connect: buildConnector.connector;
  readonly aging: Aging;
}

/** Undici's connection, which tells each request what it goes out on. Scope: one connection at a time. */
export class Connection extends Client {
  readonly #line: Line;

  constructor(origin: string | URL, { connect, aging, ...options }: ConnectionOptions) {
    const line = new Line(aging);
    super(origin, { ...options, connect: noting(connect, line) });
    this.#line = line;
  }

  override dispatch(
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ): boolean {
    if (isPassenger(handler)) handler.takes(this.#line);
    return super.dispatch(options, handler);
  }
}

const isPassenger = (handler: Dispatcher.DispatchHandler): handler is Passenger =>
  "takes" in handler;

function noting(connect: buildConnector.connector, line: Line): buildConnector.connector {
  return (to, callback) =>
    connect(to, (...outcome) => {
      line.opened(outcome[1] ?? undefined);
      callback(...outcome);
    });
}
