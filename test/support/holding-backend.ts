import { startBackend, type TestBackend } from "./backend.ts";

/** A backend that answers at once, holds what comes below `/hold` until a test lets it go, and fails at `/broken`. */
export interface HoldingBackend extends TestBackend {
  /** How many requests it holds. */
  readonly held: number;
  /** Answers everything that it holds. What the gateway then calls comes in no certain order. */
  release(): void;
  /** Answers the one that it has held longest, so that one slot becomes free. */
  releaseOne(): void;
}

export async function startHoldingBackend(): Promise<HoldingBackend> {
  const waiting: (() => void)[] = [];
  const backend = await startBackend(({ target }, response) => {
    const answer = (): void => void response.end("ok");
    if (target.startsWith("/hold")) waiting.push(answer);
    else if (target.startsWith("/broken")) response.writeHead(500).end("broken");
    else answer();
  });
  return {
    ...backend,
    get held() {
      return waiting.length;
    },
    release() {
      for (const answer of waiting.splice(0)) answer();
    },
    releaseOne() {
      waiting.shift()?.();
    },
  };
}
