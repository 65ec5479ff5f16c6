import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import { TEST_CERTIFICATE } from "./test-certificate.ts";

/** One request as it came over the wire, and the connection to misbehave on. */
export interface RawRequest {
  /** Everything from the request line to the last byte of the body. */
  readonly text: string;
  readonly head: string;
  readonly bodyBytes: number;
  readonly socket: Socket;
  /** Which connection of this backend it came on, from 1. */
  readonly connection: number;
}

/** Writes what a backend answers, byte by byte if it likes. */
export type RawScript = (request: RawRequest) => void | Promise<void>;

/** A backend without an HTTP library: it sends what its script says, right or wrong. */
export interface RawBackend extends AsyncDisposable {
  readonly origin: string;
  readonly port: number;
  readonly requests: RawRequest[];
  /** Connections that are open. */
  readonly open: ReadonlySet<Socket>;
}

export interface RawBackendOptions {
  readonly isSecure?: boolean;
  /** What of TLS is to be other than usual. */
  readonly tls?: TlsOptions;
}

/** Starts one on a free port of this machine, behind TLS where that is asked for. */
export async function startRawBackend(
  script: RawScript,
  { isSecure = false, tls }: RawBackendOptions = {},
): Promise<RawBackend> {
  const requests: RawRequest[] = [];
  const open = new Set<Socket>();
  let connections = 0;
  const serve = (socket: Socket): void => {
    const connection = ++connections;
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    // Its peers break off by design.
    socket.on("error", () => {});
    socket.on("end", () => socket.end());
    readRequests(socket, (message) => {
      const request = { ...message, socket, connection };
      requests.push(request);
      Promise.resolve(script(request)).catch(() => socket.destroy());
    });
  };
  const server = isSecure
    ? createTlsServer({ ...TEST_CERTIFICATE, allowHalfOpen: true, ...tls }, serve)
    : createServer({ allowHalfOpen: true }, serve);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    origin: `${isSecure ? "https" : "http"}://127.0.0.1:${port}`,
    port,
    requests,
    open,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

type Message = Pick<RawRequest, "text" | "head" | "bodyBytes">;

const HEAD_END = "\r\n\r\n";
// Bodies of this suite are counted, not kept, beyond this.
const KEPT_BYTES = 64 * 1024;

function readRequests(socket: Socket, onRequest: (message: Message) => void): void {
  let text = "";
  let head: string | undefined;
  let missingBytes = 0;
  let bodyBytes = 0;
  socket.on("data", (chunk: Buffer) => {
    if (text.length < KEPT_BYTES) text += chunk.toString("latin1");
    let arrived = chunk.byteLength;
    if (head === undefined) {
      const end = text.indexOf(HEAD_END);
      if (end < 0) return;
      head = text.slice(0, end);
      bodyBytes = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
      missingBytes = bodyBytes;
      arrived = text.length - end - HEAD_END.length;
    }
    missingBytes -= arrived;
    if (missingBytes > 0) return;
    onRequest({ text, head, bodyBytes });
    text = "";
    head = undefined;
  });
}

/** Sends text in pieces of `size` bytes, each in a packet of its own. */
export async function drip(socket: Socket, text: string, size = 1): Promise<void> {
  const bytes = Buffer.from(text, "latin1");
  for (let at = 0; at < bytes.length && !socket.destroyed; at += size) {
    await sent(socket, bytes.subarray(at, at + size));
    // Without a turn between them the kernel may join the pieces.
    await pause(0);
  }
}

/** Writes and waits until the kernel has taken it. */
export function sent(socket: Socket, data: string | Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    socket.write(data, () => resolve());
  });
}

/** A head with a list of fields, ready to be sent. */
export function headOf(status: string, ...fields: string[]): string {
  return `${[`HTTP/1.1 ${status}`, ...fields].join("\r\n")}\r\n\r\n`;
}

/** One chunk of a chunked body. */
export function chunkOf(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

/** The last chunk of a chunked body. */
export const LAST_CHUNK = "0\r\n\r\n";
