import type { BlobServiceClient } from "@azure/storage-blob";
import { BlobContainer } from "./blob-container.ts";

/** The containers of one account, each opened once. Scope: per instance. */
export class BlobStore {
  readonly #open: () => Promise<BlobServiceClient>;
  readonly #containers = new Map<string, BlobContainer>();
  #service: Promise<BlobServiceClient> | undefined;

  constructor(open: () => Promise<BlobServiceClient>) {
    this.#open = open;
  }

  /** By the container's name, never by who asks: a profile may be given another one at any time. */
  container(name: string): BlobContainer {
    const known = this.#containers.get(name);
    if (known) return known;
    const container = new BlobContainer(() => this.service(), name);
    this.#containers.set(name, container);
    return container;
  }

  service(): Promise<BlobServiceClient> {
    this.#service ??= this.#open().catch((error: unknown) => {
      this.#service = undefined;
      throw error;
    });
    return this.#service;
  }
}
