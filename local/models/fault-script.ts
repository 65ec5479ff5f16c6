/**
 * What a call is told to do wrong, in the header `x-sim-fault` or in a model name `sim-<script>`:
 *
 *     script   = rule *( ";" rule )           the first rule that still applies is used
 *     rule     = fault *( "," modifier )
 *     fault    = name [ ":" number ]
 *     modifier = "fail:" N                    applies to the first N calls of this script only
 *              / "on:" N                      applies on the Nth endpoint only (from 1)
 *
 * `docs/local-models.md` lists the faults for users; {@link FAULTS} is the same list as data.
 */
export const FAULTS = {
  status: { argument: "required", min: 400, max: 599 },
  throttle: { argument: "optional", min: 0, max: 3_600_000 },
  requeue: { argument: "optional", min: 0, max: 3_600_000 },
  "content-filter": { argument: "none" },
  "context-length": { argument: "none" },
  empty: { argument: "none" },
  reset: { argument: "none" },
  stall: { argument: "none" },
  "break-after": { argument: "required", min: 0, max: 1_000_000 },
  "stall-after": { argument: "required", min: 0, max: 1_000_000 },
  truncate: { argument: "required", min: 0, max: 1_000_000 },
  malformed: { argument: "required", min: 0, max: 1_000_000 },
  "error-event": { argument: "required", min: 0, max: 1_000_000 },
  drip: { argument: "required", min: 1, max: 60_000 },
  "wrong-length": { argument: "required", min: -1_000_000, max: 1_000_000 },
  "no-usage": { argument: "none" },
  "background-failure": { argument: "none" },
} as const satisfies Record<string, FaultShape>;

type FaultShape =
  | { argument: "none" }
  | { argument: "optional" | "required"; min: number; max: number };

export type FaultName = keyof typeof FAULTS;

/** One thing to do wrong; `value` is the number after the colon. */
export interface Fault {
  readonly name: FaultName;
  readonly value?: number;
}

export interface FaultRule extends Fault {
  /** Only the first N calls. */
  readonly fail?: number;
  /** Only on this endpoint, counted from 1. */
  readonly on?: number;
}

export type ParsedScript =
  | { ok: true; rules: readonly FaultRule[] }
  | { ok: false; problem: string };

const MAX_SCRIPT_LENGTH = 1_000;
const MODIFIERS = ["fail", "on"] as const;
const PART = /^([a-z-]+)(?::(-?\d{1,9}))?$/;

class ScriptProblem extends Error {}

/** Reads a script; a bad one is named, never guessed at. */
export function parseFaultScript(script: string): ParsedScript {
  if (script.length > MAX_SCRIPT_LENGTH) {
    return { ok: false, problem: `A script has at most ${MAX_SCRIPT_LENGTH} characters.` };
  }
  try {
    return { ok: true, rules: script.split(";").map((rule) => parseRule(rule.trim())) };
  } catch (error) {
    if (error instanceof ScriptProblem) return { ok: false, problem: error.message };
    throw error;
  }
}

function parseRule(text: string): FaultRule {
  const [first = "", ...rest] = text.split(",").map((part) => part.trim());
  const fault = parseFault(first);
  const modifiers: { fail?: number; on?: number } = {};
  for (const part of rest) {
    const { name, value } = parseModifier(part);
    if (modifiers[name] !== undefined) throw new ScriptProblem(`"${text}" says "${name}" twice.`);
    modifiers[name] = value;
  }
  return { ...fault, ...modifiers };
}

function parseFault(text: string): Fault {
  const [, name = "", argument] = PART.exec(text) ?? [];
  if (!Object.hasOwn(FAULTS, name)) {
    throw new ScriptProblem(
      `"${text}" is no fault; the faults are ${Object.keys(FAULTS).join(", ")}.`,
    );
  }
  const shape: FaultShape = FAULTS[name as FaultName];
  if (argument === undefined) {
    if (shape.argument === "required")
      throw new ScriptProblem(`"${name}" needs a number: ${name}:N.`);
    return { name: name as FaultName };
  }
  if (shape.argument === "none") throw new ScriptProblem(`"${name}" takes no number.`);
  const value = Number(argument);
  if (value < shape.min || value > shape.max) {
    throw new ScriptProblem(`"${text}": the number goes from ${shape.min} to ${shape.max}.`);
  }
  return { name: name as FaultName, value };
}

function parseModifier(text: string): { name: (typeof MODIFIERS)[number]; value: number } {
  const [, word, argument] = PART.exec(text) ?? [];
  const name = MODIFIERS.find((modifier) => modifier === word);
  const value = Number(argument);
  if (!name || !(value >= 1)) {
    throw new ScriptProblem(
      `"${text}" is no modifier; the modifiers are fail:N and on:N, N from 1.`,
    );
  }
  return { name, value };
}
