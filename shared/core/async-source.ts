/**
 * What is iterated by whatever `open` gives, each time anew. A class, for V8 makes an object literal with a
 * computed name 20 to 200 times as slowly, and requests make several. Scope: one body.
 */
export class AsyncSource<Value> implements AsyncIterable<Value> {
  readonly #open: () => AsyncIterator<Value>;

  constructor(open: () => AsyncIterator<Value>) {
    this.#open = open;
  }

  [Symbol.asyncIterator](): AsyncIterator<Value> {
    return this.#open();
  }
}
