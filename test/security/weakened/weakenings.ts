import type { Weakening } from "./weakening.ts";

/** Every weakening, theme by theme. */
export const WEAKENINGS: readonly Weakening[] = [];
