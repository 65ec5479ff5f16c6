import type { PriorityClass } from "../../shared/core/domain.ts";
import { StartError } from "../service.ts";

/** The classes of requests whose trace names none, each with its part. */
export interface ClassShares {
  readonly classes: readonly PriorityClass[];
  /** The class at a point from 0 to 1. */
  at(point: number): PriorityClass;
}

const ENTRY = /^(\d{1,4}):(\d+(?:\.\d+)?)$/;

/** Reads `1:20,2:50,3:30`: parts of whatever they add up to. */
export function parseClassShares(text: string): ClassShares {
  const shares = new Map<PriorityClass, number>();
  for (const part of text.split(",").map((entry) => entry.trim())) {
    const [, name, share] = ENTRY.exec(part) ?? [];
    if (name === undefined || Number(name) < 1) throw unusable(text, `"${part}" is not CLASS:PART`);
    if (shares.has(Number(name))) throw unusable(text, `class ${name} is there twice`);
    shares.set(Number(name), Number(share));
  }
  const total = [...shares.values()].reduce((sum, share) => sum + share, 0);
  if (total <= 0) throw unusable(text, "nobody has a part");
  const used = [...shares].filter(([, share]) => share > 0);
  return {
    classes: used.map(([name]) => name),
    at(point) {
      let end = 0;
      for (const [name, share] of used) {
        end += share / total;
        if (point < end) return name;
      }
      return used.at(-1)?.[0] ?? 1;
    },
  };
}

const unusable = (text: string, problem: string): StartError =>
  new StartError(`--classes "${text}" cannot be used: ${problem}.`);
