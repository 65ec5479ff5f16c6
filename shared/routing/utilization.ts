import { type HeaderList, headerValue } from "../core/headers.ts";

// What Azure OpenAI tells with each answer of a provisioned deployment, such as `45.2%`:
// https://github.com/Azure/azure-openai-benchmark
const HEADER = "azure-openai-deployment-utilization";
const PERCENT = /^(\d{1,4}(?:\.\d+)?)(?:\s*%)?$/;
// What it was longer ago says nothing of now.
const MAX_AGE_MS = 60_000;

/** The part of its provisioned throughput that a backend says is in use; undefined where it says nothing. */
export function utilizationIn(headers: HeaderList): number | undefined {
  const told = headerValue(headers, HEADER);
  const percent = told === undefined ? undefined : PERCENT.exec(told.trim())?.[1];
  return percent === undefined ? undefined : Number(percent) / 100;
}

/** The latest that a backend has said of its use. Scope: one backend, per instance. */
export class Utilization {
  #part = 0;
  #toldAt = Number.NEGATIVE_INFINITY;

  told(part: number, nowMs: number): void {
    this.#part = part;
    this.#toldAt = nowMs;
  }

  /** Undefined before it was told of, and when that is too long ago. */
  at(nowMs: number): number | undefined {
    return nowMs - this.#toldAt > MAX_AGE_MS ? undefined : this.#part;
  }
}
