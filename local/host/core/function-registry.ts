import { CoreError } from "./core-error.ts";
import type { FunctionCallback, FunctionMetadata } from "./core-types.ts";

/** A function as the app registered it. */
export interface RegisteredFunction {
  readonly metadata: FunctionMetadata;
  readonly callback: FunctionCallback;
}

/** The functions of the app, open until its files are loaded. Scope: one host process. */
export class FunctionRegistry {
  // Function names are compared without case on the platform.
  readonly #functions = new Map<string, RegisteredFunction>();
  #locked = false;

  /** Adds a function; its id, when the library gives none, is its name. */
  register(metadata: FunctionMetadata, callback: FunctionCallback): () => void {
    if (this.#locked) {
      throw new CoreError("A function can only be registered during app startup.");
    }
    const id = metadata.functionId ?? metadata.name;
    const key = id.toLowerCase();
    if (this.#functions.has(key)) {
      throw new CoreError(`A function with id "${id}" has already been registered.`);
    }
    this.#functions.set(key, { metadata: { ...metadata, functionId: id }, callback });
    return () => this.#remove(key);
  }

  /** Closes registration: from here on the set of functions is fixed. */
  lock(): void {
    this.#locked = true;
  }

  /** All functions, in the order of their registration. */
  all(): readonly RegisteredFunction[] {
    return [...this.#functions.values()];
  }

  #remove(key: string): void {
    if (this.#locked) {
      throw new CoreError("A function can only be disposed during app startup.");
    }
    this.#functions.delete(key);
  }
}
