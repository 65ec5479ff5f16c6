import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** A client without an HTTP library: it sends what it is told and keeps every byte that comes. */
export interface RawClient extends Disposable {
  readonly socket: Socket;
  /** Everything that came so far, byte for byte. */
  readonly received: string;
  send(text: string): void;
  /** Resolves when what came matches; rejects when the connection ends without that. */
  until(pattern: RegExp): Promise<string>;
  /** Resolves with everything, once the connection has ended, in whatever way. */
  closed(): Promise<string>;
}

/** Connects to an origin. */
export async function connectTo(origin: string): Promise<RawClient> {
  const { hostname, port } = new URL(origin);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  const pieces: Buffer[] = [];
  let text: string | undefined = "";
  socket.on("data", (piece) => {
    pieces.push(piece);
    text = undefined;
  });
  socket.on("error", () => {});
  await once(socket, "connect");
  const received = (): string => {
    text ??= Buffer.concat(pieces).toString("latin1");
    return text;
  };
  return {
    socket,
    get received() {
      return received();
    },
    send: (message) => void socket.write(message, "latin1"),
    async until(pattern) {
      while (!pattern.test(received())) {
        if (socket.closed) throw new Error(`The connection ended after: ${received()}`);
        await changed(socket);
      }
      return received();
    },
    async closed() {
      while (!socket.closed) await changed(socket);
      return received();
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

/** Waits until something comes or the connection is closed. */
async function changed(socket: Socket): Promise<void> {
  const over = new AbortController();
  const { signal } = over;
  // A reset rejects both; the close that follows tells of it.
  const waits = [once(socket, "data", { signal }), once(socket, "close", { signal })];
  await Promise.race(waits).catch(() => {});
  over.abort();
  await Promise.allSettled(waits);
}

/** A request without a body, as text. */
export function requestFor(target: string, ...fields: string[]): string {
  return `${[`GET ${target} HTTP/1.1`, "Host: gateway.test", ...fields].join("\r\n")}\r\n\r\n`;
}
