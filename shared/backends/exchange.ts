import type { Dispatcher } from "undici";
import { ByteQueue } from "../core/byte-queue.ts";
import type { Clock } from "../core/clock.ts";
import { fromRawHeaders, type HeaderList } from "../core/headers.ts";
import { BackendFailure, type CallProgress, toBackendFailure } from "./backend-failure.ts";
import { type CallLimits, CallTimer } from "./call-limits.ts";
import type { Line, Passenger } from "./connection.ts";
import { Departure } from "./departure.ts";
import { type Http2Notes, noteNextStream } from "./http2-notes.ts";

/** The beginning of an answer, as it came. */
export interface AnswerHead {
  readonly status: number;
  readonly headers: HeaderList;
}

export interface ExchangeOptions {
  readonly clock: Clock;
  readonly limits: CallLimits;
  readonly signal: AbortSignal;
  /** Called when the request begins to go out. */
  readonly onSent?: (() => void) | undefined;
  /** Called when undici sends it again, which it does in HTTP/2 where the backend says that it left it alone. */
  readonly onResent?: (() => void) | undefined;
}

// As much as a reader that is behind lets the backend run ahead.
const HIGH_WATER_BYTES = 64 * 1024;

/**
 * One request on its way through undici, and its answer on the way back. Ends by itself, by a limit, by
 * the caller's signal or by `discard`, and then holds neither connection nor timer. Scope: one call.
 */
export class Exchange implements Passenger {
  readonly #head = Promise.withResolvers<AnswerHead>();
  readonly #queue: ByteQueue;
  readonly #clock: Clock;
  readonly #timer: CallTimer;
  readonly #signal: AbortSignal;
  readonly #onSent: ExchangeOptions["onSent"];
  readonly #onResent: ExchangeOptions["onResent"];
  readonly #onAbort = (): void => this.#abort(this.#signal.reason);
  #line: Line | undefined;
  #departure: Departure | undefined;
  #notes: Http2Notes | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #progress: CallProgress = "connecting";
  #over: { readonly reason: unknown } | undefined;
  #trailers: HeaderList = [];

  constructor({ clock, limits, signal, onSent, onResent }: ExchangeOptions) {
    this.#clock = clock;
    this.#signal = signal;
    this.#onSent = onSent;
    this.#onResent = onResent;
    this.#timer = new CallTimer({ clock, limits, onLimit: (failure) => this.#late(failure) });
    this.#queue = new ByteQueue({
      highWaterBytes: HIGH_WATER_BYTES,
      onPause: () => this.#pause(),
      onResume: () => this.#resume(),
      onReturn: () => this.discard(),
    });
    signal.addEventListener("abort", this.#onAbort, { once: true });
    if (signal.aborted) this.#onAbort();
  }

  /** Resolves with the answer's beginning. */
  get head(): Promise<AnswerHead> {
    return this.#head.promise;
  }

  /** The answer's bytes. What they are read from throws where the answer is not whole. */
  get body(): ByteQueue {
    return this.#queue;
  }

  /** What came behind a chunked body; known when that has been read. */
  get trailers(): HeaderList {
    return this.#trailers;
  }

  /** Ends the limit that waits for the first meaningful byte. */
  commit(): void {
    this.#timer.committed();
  }

  /** Nothing that matters follows; a backend that does not end its answer then is not waited for. */
  ending(): void {
    if (!this.#over) this.#timer.ending();
  }

  /** Gives up the rest of the answer, and its connection. */
  discard(): void {
    this.#abort(new Error("The answer was discarded."));
  }

  takes(line: Line): void {
    this.#line = line;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // Undici cannot take back a request that still waits for its connection; here it stops it.
    if (this.#over) controller.abort(asError(this.#over.reason));
    else if (this.#departure) this.#onResent?.();
    else this.#onSent?.();
    this.#progress = "sent";
    this.#line?.asked();
    this.#departure = this.#departs();
    if (this.#line?.isShared) noteNextStream((notes) => this.#note(notes));
    this.#timer.connected();
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    // Interim answers speak to the gateway, which asked for none.
    if (status < 200) return;
    this.#progress = "answering";
    this.#line?.answered();
    this.#timer.received();
    const headers = this.#notes?.headers ?? toHeaderList(controller.rawHeaders);
    this.#head.resolve({ status, headers });
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#timer.received();
    this.#notes?.delivered(chunk.byteLength);
    this.#queue.push(chunk);
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (this.#isReset()) {
      this.onResponseError(controller, new Error("The backend reset its answer."));
      return;
    }
    this.#line?.ended();
    this.#end(this.#notes?.trailers ?? toHeaderList(controller.rawTrailers));
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    // Who has answered wants no more of a body (RFC 9113, section 8.1); undici takes that for a failure.
    if (this.#progress === "answering" && this.#notes?.isWhole) {
      this.#end(this.#notes.trailers ?? []);
      return;
    }
    const isOpen = this.#progress === "sent" && !this.#over;
    const unseenBy = isOpen ? this.#departure?.unseenBy(error, this.#clock.now()) : undefined;
    this.fail(toBackendFailure(error, this.#progress, unseenBy));
  }

  /** Ends the call with an error that was met outside of undici. */
  fail(error: unknown): void {
    if (!this.#settle(error)) return;
    this.#head.reject(error);
    this.#queue.fail(error);
  }

  #departs(): Departure | undefined {
    const isAgain = this.#departure !== undefined;
    return this.#line && new Departure(this.#line, { nowMs: this.#clock.now(), isAgain });
  }

  #end(trailers: HeaderList): void {
    this.#trailers = trailers;
    if (this.#settle(undefined)) this.#queue.end();
  }

  /** What undici takes for the end of an answer may be its breaking off. */
  #isReset(): boolean {
    if (this.#notes) return this.#notes.isCut;
    return this.#line?.isBroken === true;
  }

  #note(notes: Http2Notes): void {
    this.#notes = notes;
  }

  #late(failure: BackendFailure): void {
    this.#abort(failure);
    this.#line?.failed(this.#clock.now());
  }

  #abort(reason: unknown): void {
    if (this.#over) return;
    if (!(reason instanceof BackendFailure)) this.#queue.clear();
    this.fail(reason);
    this.#controller?.abort(asError(reason));
  }

  #settle(reason: unknown): boolean {
    if (this.#over) return false;
    this.#over = { reason };
    this.#timer.stop();
    this.#signal.removeEventListener("abort", this.#onAbort);
    return true;
  }

  #pause(): void {
    this.#timer.paused();
    this.#controller?.pause();
  }

  #resume(): void {
    if (this.#over) return;
    this.#timer.resumed();
    this.#controller?.resume();
  }
}

// HTTP/1.1 gives a flat list; of HTTP/2, which gives an object without those that repeat, there are notes.
const toHeaderList = (raw: Dispatcher.DispatchController["rawHeaders"]): HeaderList =>
  Array.isArray(raw) ? fromRawHeaders(raw) : [];

const asError = (reason: unknown): Error =>
  reason instanceof Error ? reason : new Error(String(reason));
