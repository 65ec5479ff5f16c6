import { connect, type Socket } from "node:net";
import { AnswerReader } from "./answer-reader.ts";
import { type LoadOrder, requestBody } from "./orders.ts";

const STALL_LIMIT_MS = 30_000;
const STAMP = /@(\d+\.\d+)@/g;
const PATH = "/v1/chat/completions";

const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/**
 * One kept-alive connection that makes a request at a time. Written on the bare socket: what the
 * generator costs is taken from what it measures, for all share the machine. Scope: one measurement.
 */
export class LoadConnection {
  readonly requestMs: number[] = [];
  readonly eventMs: number[] = [];
  failures = 0;
  longestSilenceMs = 0;
  readonly #socket: Socket;
  readonly #message: Buffer;
  readonly #isPaced: boolean;
  #reader = new AnswerReader();
  #lastByteAt = 0;
  #done: ((isWhole: boolean) => void) | undefined;

  static open(order: LoadOrder): Promise<LoadConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: "127.0.0.1", port: order.target.port, noDelay: true });
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new LoadConnection(socket, order));
      });
    });
  }

  private constructor(socket: Socket, { target, answer }: LoadOrder) {
    this.#socket = socket;
    this.#isPaced = (answer.intervalMs ?? 0) > 0;
    const body = requestBody(answer);
    this.#message = Buffer.from(
      [
        `POST ${PATH} HTTP/1.1`,
        `Host: 127.0.0.1:${target.port}`,
        "Content-Type: application/json",
        `Content-Length: ${Buffer.byteLength(body)}`,
        ...target.headers,
        "",
        body,
      ].join("\r\n"),
    );
    socket.on("data", (chunk) => this.#take(chunk));
    socket.on("close", () => this.#done?.(false));
    socket.on("error", () => {});
    socket.setTimeout(STALL_LIMIT_MS, () => socket.destroy());
  }

  /** Makes one request; a failed one ends the measurement on this connection by an exception. */
  async request(): Promise<void> {
    const startedAt = nowMs();
    this.#lastByteAt = startedAt;
    this.#reader = new AnswerReader();
    const whole = new Promise<boolean>((resolve) => {
      this.#done = resolve;
    });
    this.#socket.write(this.#message);
    const isWhole = await whole;
    this.#done = undefined;
    if (isWhole && this.#reader.status === 200) this.requestMs.push(nowMs() - startedAt);
    else this.failures += 1;
    if (!isWhole) throw new Error(`The connection ended within an answer ${this.#reader.status}.`);
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    const at = nowMs();
    this.longestSilenceMs = Math.max(this.longestSilenceMs, at - this.#lastByteAt);
    this.#lastByteAt = at;
    if (this.#isPaced) {
      // An event is small and written at once, so that its stamp is hardly ever cut.
      for (const [, sentAt] of chunk.toString("latin1").matchAll(STAMP)) {
        this.eventMs.push(at - Number(sentAt));
      }
    }
    if (this.#reader.push(chunk)) this.#done?.(true);
  }
}
