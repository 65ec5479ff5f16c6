/** The reason with which work ends that another instance is to do. */
class HandedOverError extends Error {
  override readonly name = "HandedOverError";
}

/**
 * Work that goes on in this process though its caller has gone with a 202. When the process is told to
 * end, what is left is given up, so that another instance begins it anew at once. Scope: per instance.
 */
export class DetachedWork {
  readonly #running = new Map<Promise<void>, Pick<AbortController, "abort">>();

  get size(): number {
    return this.#running.size;
  }

  /** Takes work on; `stop` ends it. The work must not reject. */
  add(work: Promise<void>, stop: Pick<AbortController, "abort">): void {
    this.#running.set(work, stop);
    void work.finally(() => this.#running.delete(work));
  }

  /** Gives up what runs, and waits until each has been handed over. */
  async close(): Promise<void> {
    const running = [...this.#running];
    for (const [, stop] of running) stop.abort(new HandedOverError("The instance ends."));
    await Promise.allSettled(running.map(([work]) => work));
  }
}
