import { GatewayError } from "../core/errors.ts";
import type { Emit } from "../telemetry/index.ts";
import { snapshotRejected } from "./document-events.ts";
import type { DocumentStatus } from "./document-state.ts";
import type { LiveDocument } from "./live-document.ts";

export interface LiveSnapshotOptions<Parts extends object, Snapshot> {
  readonly documents: { readonly [Name in keyof Parts]: LiveDocument<Parts[Name]> };
  /** Makes one object of the values in force; what it throws leaves the last one in force. */
  readonly compose: (parts: Parts) => Snapshot;
  readonly emit: Emit;
}

/** What is known of a snapshot: its documents, and why their latest values do not fit together. */
export interface SnapshotStatus {
  readonly documents: readonly DocumentStatus[];
  readonly lastError: string | undefined;
}

const RETRY_AFTER_MS = 3000;

/**
 * Several documents as one object, made anew whenever one of them changes and swapped at once: who
 * holds it for a request sees no half of a change. Scope: per instance.
 */
export class LiveSnapshot<Parts extends object, Snapshot> {
  readonly #options: LiveSnapshotOptions<Parts, Snapshot>;
  readonly #documents: readonly (readonly [keyof Parts, LiveDocument<Parts[keyof Parts]>])[];
  #current: { readonly snapshot: Snapshot } | undefined;
  #lastError: string | undefined;
  #started: Promise<void> | undefined;
  #loadsTogether = 0;
  #isOutdated = false;

  constructor(options: LiveSnapshotOptions<Parts, Snapshot>) {
    this.#options = options;
    const names = Object.keys(options.documents) as (keyof Parts)[];
    this.#documents = names.map((name) => [name, options.documents[name]] as const);
    for (const [, document] of this.#documents) document.subscribe(() => this.#onChange());
  }

  /**
   * Starts every document and resolves when each has had its first load. Calling it again is free, so
   * that every request may wait for it.
   */
  start(): Promise<void> {
    this.#started ??= this.#begin();
    return this.#started;
  }

  /** Whether there is an object in force. */
  get isAvailable(): boolean {
    return this.#current !== undefined;
  }

  /** The object in force; throws `policy-unavailable` while a required document has never been loaded. */
  current(): Snapshot {
    if (this.#current) return this.#current.snapshot;
    throw new GatewayError("policy-unavailable", "The gateway is still loading its policy.", {
      retryAfterMs: RETRY_AFTER_MS,
    });
  }

  /** Loads every document now; what they bring is swapped in together when the last one is there. */
  refresh(): Promise<void> {
    return this.#together((document) => document.refresh());
  }

  status(): SnapshotStatus {
    const documents = this.#documents.map(([, document]) => document.status());
    return { documents, lastError: this.#lastError };
  }

  async #begin(): Promise<void> {
    await this.#together((document) => document.start());
    // Optional documents that could not be loaded have changed nothing, and yet stand for something.
    if (!this.#current) this.#compose();
  }

  async #together(load: (document: LiveDocument<Parts[keyof Parts]>) => Promise<void>) {
    this.#loadsTogether += 1;
    await Promise.all(this.#documents.map(([, document]) => load(document)));
    this.#loadsTogether -= 1;
    if (this.#isOutdated) this.#onChange();
  }

  #onChange(): void {
    this.#isOutdated = true;
    // Every load has a deadline, so that a change waits for the others no longer than that.
    if (this.#loadsTogether === 0) this.#compose();
  }

  #compose(): void {
    this.#isOutdated = false;
    if (!this.#documents.every(([, document]) => document.isAvailable)) return;
    const parts = Object.fromEntries(
      this.#documents.map(([name, document]) => [name, document.value]),
    );
    try {
      this.#current = { snapshot: this.#options.compose(parts as Parts) };
      this.#lastError = undefined;
    } catch (error) {
      this.#lastError = error instanceof Error ? error.message : String(error);
      this.#options.emit(snapshotRejected(this.#lastError));
    }
  }
}
