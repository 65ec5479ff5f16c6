/** A random number generator that a seed makes repeatable. */
export type Random = () => number;

/** One task of a random orchestration. */
export type Task =
  | { kind: "activity"; key: string; failTimes: number }
  | { kind: "retry"; key: string; failTimes: number; attempts: number }
  | { kind: "timer"; ms: number }
  | { kind: "event"; name: string }
  | { kind: "child"; program: Program }
  | { kind: "childRetry"; program: Program; attempts: number }
  | { kind: "entity"; key: string }
  | { kind: "all" | "any"; tasks: Task[] };

/** A task, and what happens beside it. */
export interface Step {
  task: Task;
  signals: number;
  /** After a Task.any: yield this child too, although it was yielded before. */
  yieldAgain?: number;
  /** After a Task.any: cancel the timers that have not fired. */
  cancelsTimers: boolean;
}

/** What a random orchestration does, as plain data that travels in its input. */
export interface Program {
  steps: Step[];
  /** How often the orchestration itself fails before it succeeds. */
  failTimes: number;
  key: string;
  /** What it continues as. */
  next?: Program;
}

/** Mulberry32. */
export function seededRandom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Makes programs, each key in them unique. */
export class ProgramMaker {
  readonly #random: Random;
  readonly #prefix: string;
  #keys = 0;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.#prefix = `s${seed}`;
  }

  /** A program; only a root (depth 0) waits for events, since nobody knows the ids of children. */
  program(depth = 0): Program {
    const steps = Array.from({ length: this.#int(1, depth === 0 ? 5 : 2) }, () =>
      this.#step(depth),
    );
    const hasNext = depth === 0 && this.#chance(0.15);
    return {
      steps,
      key: this.#key(),
      failTimes: depth > 0 && this.#chance(0.3) ? this.#int(1, 2) : 0,
      ...(hasNext ? { next: { ...this.program(1), failTimes: 0 } } : {}),
    };
  }

  #step(depth: number): Step {
    const task = this.#task(depth, 0);
    const again = task.kind === "any" && this.#chance(0.5);
    return {
      task,
      signals: this.#chance(0.15) ? this.#int(1, 2) : 0,
      cancelsTimers: !again && this.#chance(0.5),
      ...(again ? { yieldAgain: this.#int(0, task.tasks.length - 1) } : {}),
    };
  }

  #task(depth: number, nesting: number): Task {
    const roll = this.#random();
    if (nesting < 2 && roll < 0.35) {
      const tasks = Array.from({ length: this.#int(1, 4) }, () => this.#task(depth, nesting + 1));
      return { kind: this.#chance(0.5) ? "all" : "any", tasks };
    }
    if (roll < 0.5) {
      return { kind: "activity", key: this.#key(), failTimes: this.#chance(0.2) ? 1 : 0 };
    }
    if (roll < 0.68) {
      const attempts = this.#int(1, 3);
      return { kind: "retry", key: this.#key(), failTimes: this.#int(0, 3), attempts };
    }
    if (roll < 0.76) return { kind: "timer", ms: this.#int(0, 20) };
    if (roll < 0.84 && depth === 0) return { kind: "event", name: `e-${this.#int(0, 2)}` };
    if (roll < 0.9) return { kind: "entity", key: `k${this.#int(0, 5)}` };
    if (depth < 2 && roll < 0.95) return { kind: "child", program: this.program(depth + 1) };
    if (depth < 2) {
      return { kind: "childRetry", program: this.program(depth + 1), attempts: this.#int(1, 3) };
    }
    return { kind: "activity", key: this.#key(), failTimes: 0 };
  }

  #key(): string {
    this.#keys += 1;
    return `${this.#prefix}-${this.#keys}`;
  }

  #int(min: number, max: number): number {
    return min + Math.floor(this.#random() * (max - min + 1));
  }

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }
}

/** How often a program waits for each event. */
export function eventsOf(program: Program): string[] {
  const names = (task: Task): string[] => {
    if (task.kind === "event") return [task.name];
    return task.kind === "all" || task.kind === "any" ? task.tasks.flatMap(names) : [];
  };
  return program.steps.flatMap(({ task }) => names(task));
}
