import { remembered } from "../shared/core/remembered.ts";

type Native = globalThis.Request;

// The library asks each call for its URL, and reads that once more for the query.
const normalised = remembered((url) => new URL(url).href);

/**
 * Stands in for fetch's `Request` in the library (esbuild.config.ts). The library makes one of every call,
 * with a copy of its headers and a web stream around its body, and the gateway looks at the connection
 * instead: the real one is made when something is asked of it. Scope: one invocation.
 */
export class Request implements Partial<Native> {
  readonly #input: string;
  readonly #init: RequestInit;
  #made: Native | undefined;

  constructor(input: string, init: RequestInit) {
    this.#input = input;
    this.#init = init;
  }

  get #native(): Native {
    this.#made ??= new globalThis.Request(this.#input, this.#init);
    return this.#made;
  }

  get url(): string {
    return this.#made?.url ?? normalised(this.#input);
  }

  get method(): string {
    return this.#native.method;
  }

  get headers(): Headers {
    return this.#native.headers;
  }

  get body(): Native["body"] {
    return this.#native.body;
  }

  get bodyUsed(): boolean {
    return this.#made?.bodyUsed ?? false;
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return this.#native.arrayBuffer();
  }

  blob(): Promise<Blob> {
    return this.#native.blob();
  }

  formData(): Promise<FormData> {
    return this.#native.formData();
  }

  json(): Promise<unknown> {
    return this.#native.json();
  }

  text(): Promise<string> {
    return this.#native.text();
  }

  clone(): Native {
    return this.#native.clone();
  }
}
