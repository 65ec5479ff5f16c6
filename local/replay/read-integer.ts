import { StartError } from "../service.ts";

/** Reads a command line's whole number; a `StartError` names the option that is none, or out of range. */
export function readInteger(
  name: string,
  text: string,
  { min, max }: { min: number; max: number },
): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new StartError(`--${name} must be a whole number from ${min} to ${max}, not "${text}".`);
}
