import { createRequire } from "node:module";
import type { Socket } from "node:net";
import rhea from "rhea";

/**
 * The only door to rhea. Its public typings are loose and lack the internals that the broker has to
 * replace, so what is used is written down here, narrowly.
 */

/** A value together with its AMQP type. Compound values hold more of these. */
export interface Typed {
  readonly type: { readonly name: string; readonly typecode: number };
  readonly value: unknown;
  readonly descriptor?: Typed;
}

/** What the broker uses of rhea's type system; every `wrap` names the AMQP type it makes. */
export interface AmqpTypes {
  wrap_int(value: number): Typed;
  wrap_uint(value: number): Typed;
  wrap_ulong(value: number | Buffer): Typed;
  wrap_long(value: number | Buffer): Typed;
  wrap_boolean(value: boolean): Typed;
  wrap_double(value: number): Typed;
  wrap_string(value: string): Typed;
  wrap_symbol(value: string): Typed;
  wrap_binary(value: Buffer): Typed;
  wrap_uuid(value: Buffer): Typed;
  wrap_timestamp(value: number): Typed;
  wrap_list(value: readonly Typed[]): Typed;
  wrap_array(value: readonly unknown[], typecode: number): Typed;
  wrap_error(error: { condition: string; description: string }): Typed;
  wrap(value: unknown): Typed;
  unwrap(value: Typed): unknown;
  Map32(entries: readonly Typed[]): Typed;
  Null(): Typed;
  described(descriptor: Typed, value: Typed): Typed;
  readonly Reader: new (bytes: Buffer) => { read(): Typed; remaining(): number };
  readonly Writer: new () => { write(value: Typed): void; toBuffer(): Buffer };
}

/** An AMQP performative (attach, flow, transfer ...), with the fields that the broker reads. */
export interface Performative {
  name: string;
  role: boolean;
  handle: number;
  source?: { readonly address?: string; readonly filter?: Record<string, unknown> } | null;
  target?: Typed | { readonly address?: string } | null;
  initial_delivery_count?: number | null;
  delivery_id?: number | null;
  message_format?: number | null;
  settled?: boolean | null;
  more?: boolean | null;
  aborted?: boolean | null;
  first: number;
  last?: number | null;
  state?: Typed | null;
  next_incoming_id?: number | null;
  incoming_window: number;
  next_outgoing_id: number;
  delivery_count?: number | null;
  link_credit?: number | null;
  drain?: boolean | null;
  echo?: boolean | null;
}

export interface Frame {
  readonly performative: Performative;
  readonly payload?: Buffer;
}

/** One of rhea's link objects; `role` true is the broker receiving. */
export interface RheaLink {
  readonly name: string;
  readonly session: RheaSession;
  readonly connection: RheaConnection;
  readonly state: { local_open: boolean; readonly remote_open: boolean; open_requests: number };
  readonly local: {
    readonly handle: number;
    readonly attach: Record<string, unknown>;
  };
  readonly remote: { attach?: Performative };
  readonly source?: { readonly address?: string; readonly filter?: Record<string, unknown> } | null;
  readonly target?: { readonly address?: string } | null;
  readonly properties?: Record<string, unknown> | null;
  readonly snd_settle_mode?: number;
  readonly rcv_settle_mode?: number;
  credit: number;
  delivery_count: number;
  issue_flow: boolean;
  is_receiver(): boolean;
  open(): void;
  close(error?: { condition: string; description: string }): void;
  flow(credit: number): void;
  set_source(fields: object): void;
  set_target(fields: object): void;
  on_attach(frame: Frame): void;
  on_flow(frame: Frame): void;
  _get_drain(): boolean;
}

export interface RheaSession {
  readonly connection: RheaConnection;
  readonly remote: {
    readonly begin: Performative;
    readonly handles: Record<number, RheaLink>;
  };
  readonly local: { readonly channel: number; readonly handles: Record<number, RheaLink> };
  readonly links: Record<string, RheaLink>;
  incoming: unknown;
  outgoing: unknown;
  create_sender(name: string): RheaLink;
  create_receiver(name: string): RheaLink;
  on_attach(frame: Frame): void;
  remove_link(link: RheaLink): void;
  output(performative: object): void;
  _write_flow(): void;
}

export interface RheaConnection {
  readonly socket: Socket;
  readonly remote: { readonly open?: { readonly max_frame_size?: number } };
  readonly max_frame_size?: number;
  is_open(): boolean;
  close(error?: { condition: string; description: string }): void;
  _register(): void;
}

/** What rhea passes to an event's handler. */
export interface RheaContext {
  readonly connection: RheaConnection;
  readonly session: RheaSession;
  readonly receiver: RheaLink;
  readonly sender: RheaLink;
  readonly error?: Error;
}

/** What the broker uses of rhea's container. */
export interface RheaContainer {
  readonly sasl_server_mechanisms: Record<string, unknown> & {
    enable_anonymous(): void;
    enable_plain(check: () => boolean): void;
  };
  on(event: string, handler: (context: RheaContext) => void): void;
  listen(options: object): import("node:net").Server;
}

interface FrameFactory {
  flow(fields: object): object;
  disposition(fields: object): object;
}

// rhea has no public way to write a disposition of one's own making.
const internals = createRequire(import.meta.url);

export const frames = internals("rhea/lib/frames.js") as FrameFactory;
export const types = rhea.types as unknown as AmqpTypes;

/** A container of its own: the SDK may use the same copy of rhea in this process. */
export const createContainer = (options: object): RheaContainer =>
  rhea.create_container(options) as unknown as RheaContainer;
