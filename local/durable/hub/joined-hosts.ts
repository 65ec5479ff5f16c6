import type { DurableFunctions } from "../contract.ts";
import type { FromHost, Hello, Invocation } from "./frames.ts";

/** A host that has joined, as the hub sees it. */
export interface HostLink {
  readonly hello: Hello;
  run(id: number, invocation: Invocation): void;
}

interface Task {
  readonly id: number;
  readonly invocation: Invocation;
  resolve(result: string | undefined): void;
  reject(error: Error): void;
}

interface Joined {
  readonly link: HostLink;
  readonly running: Map<number, Task>;
  isLeaving: boolean;
}

/**
 * The functions of all hosts as if they were those of one. Each call goes to the host that runs the
 * fewest; what a host that is gone had not finished is run by another, so a call ends only when a host
 * has said how. How many wait is bounded by how much the engine runs at once. Scope: one hub.
 */
export class JoinedHosts implements DurableFunctions {
  readonly orchestrators = new Set<string>();
  readonly activities = new Set<string>();
  readonly entities = new Set<string>();
  readonly #hosts = new Set<Joined>();
  #waiting: Task[] = [];
  #lastId = 0;

  /** Takes a host in; returns what hears its frames, and what is to be told when it is gone. */
  join(link: HostLink): { heard(frame: FromHost): void; gone(): void } {
    const host: Joined = { link, running: new Map(), isLeaving: false };
    for (const kind of ["orchestrators", "activities", "entities"] as const) {
      for (const name of link.hello[kind]) this[kind].add(name);
    }
    this.#hosts.add(host);
    this.#hand();
    return {
      heard: (frame) => this.#heard(host, frame),
      gone: () => {
        this.#hosts.delete(host);
        this.#waiting = [...host.running.values(), ...this.#waiting];
        host.running.clear();
        this.#hand();
      },
    };
  }

  async invokeOrchestrator(name: string, input: string): Promise<string> {
    return (await this.#run({ kind: "orchestrator", name, input })) ?? "";
  }

  invokeActivity(
    name: string,
    instanceId: string,
    input: string | undefined,
  ): Promise<string | undefined> {
    return this.#run({ kind: "activity", name, instanceId, input });
  }

  async invokeEntity(name: string, input: string): Promise<string> {
    return (await this.#run({ kind: "entity", name, input })) ?? "";
  }

  #run(invocation: Invocation): Promise<string | undefined> {
    return new Promise((resolve, reject) => {
      this.#lastId += 1;
      this.#waiting.push({ id: this.#lastId, invocation, resolve, reject });
      this.#hand();
    });
  }

  #hand(): void {
    this.#waiting = this.#waiting.filter((task) => {
      const host = this.#hostFor(task.invocation);
      if (!host) return true;
      host.running.set(task.id, task);
      host.link.run(task.id, task.invocation);
      return false;
    });
  }

  #hostFor({ kind, name }: Invocation): Joined | undefined {
    const able = [...this.#hosts].filter(
      (host) => !host.isLeaving && functionsOf(host, kind).includes(name) && hasRoom(host, kind),
    );
    return able.sort((a, b) => a.running.size - b.running.size)[0];
  }

  #heard(host: Joined, frame: FromHost): void {
    if (frame.type === "leaving") host.isLeaving = true;
    if (frame.type !== "done" && frame.type !== "failed") return;
    const task = host.running.get(frame.id);
    host.running.delete(frame.id);
    if (frame.type === "done") task?.resolve(frame.result);
    else task?.reject(failureOf(frame));
    this.#hand();
  }
}

const functionsOf = ({ link: { hello } }: Joined, kind: Invocation["kind"]): string[] =>
  ({ orchestrator: hello.orchestrators, activity: hello.activities, entity: hello.entities })[kind];

function hasRoom({ link: { hello }, running }: Joined, kind: Invocation["kind"]): boolean {
  const isActivity = kind === "activity";
  const same = [...running.values()].filter(
    ({ invocation }) => (invocation.kind === "activity") === isActivity,
  );
  return same.length < (isActivity ? hello.maxActivities : hello.maxOrchestrators);
}

function failureOf({ message, stack }: Extract<FromHost, { type: "failed" }>): Error {
  const error = new Error(message);
  if (stack !== undefined) error.stack = stack;
  return error;
}
