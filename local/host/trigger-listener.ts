/** Watches one function's trigger and fires it. */
export interface TriggerListener {
  readonly functionName: string;
  start(): void | Promise<void>;
  /** Takes nothing new, and waits for what runs, at most for the grace. */
  stop(graceMs: number): Promise<void>;
  /** Fires the function by hand, with the input that the admin API was given. */
  runByHand(input: string): Promise<unknown>;
}
