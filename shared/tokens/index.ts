export type { CountTask } from "./count-tokens.ts";
export { encodingOf } from "./encoding-of.ts";
export { TokenCounter } from "./token-counter.ts";
