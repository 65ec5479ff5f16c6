import type { Socket } from "node:net";
import { getSystemErrorName } from "node:util";

/**
 * Whether a peer that speaks TLS said that nothing follows before its connection ended: one that is cut looks
 * the same to a reader, and anybody on the way can cut it (RFC 9112, section 9.8). Scope: one connection.
 */
export class CloseNotice {
  #hasCome = false;

  constructor(socket: Socket) {
    const push = socket.push.bind(socket);
    let isOver = false;
    const noted: typeof push = (chunk, encoding) => {
      if (chunk === null && !isOver) {
        isOver = true;
        this.#hasCome = !isEndOfTransport(socket);
      }
      return push(chunk, encoding);
    };
    socket.push = noted;
  }

  get hasCome(): boolean {
    return this.#hasCome;
  }
}

/** What node has below a socket of TLS: its own handle, and that of the connection which carries it. */
interface Handle {
  readonly reading?: boolean;
  readonly _parent?: Handle;
  readStart?(): number;
  readStop?(): number;
}

/**
 * Node tells no reader which of the two ended first, and has no name for it. But while it hands on a notice, the
 * connection below is still being read, or was stopped for a reader that is behind: nothing but a notice
 * ends the one before the other. Where node is built otherwise some day, every end is one without a notice.
 */
function isEndOfTransport(socket: Socket): boolean {
  const { _handle: handle } = socket as { _handle?: Handle | null };
  if (handle?.reading === false) return false;
  const below = handle?._parent;
  const code = below?.readStart?.() ?? 0;
  if (code < 0) return getSystemErrorName(code) !== "EALREADY";
  below?.readStop?.();
  return true;
}
