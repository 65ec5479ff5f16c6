import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { LoadOrder, LoadResult } from "./orders.ts";

/** A part of the bench in a process of its own; it ends with this one. */
export interface BenchChild extends Disposable {
  readonly pid: number;
  /** What it sent first: its port. */
  readonly port: number;
}

/** Starts one that listens. */
export async function startServer(file: string, args: readonly string[] = []): Promise<BenchChild> {
  const child = start(file, args);
  return { pid: pidOf(child), port: Number(await message(child)), [Symbol.dispose]: ender(child) };
}

/** The load generator. */
export interface LoadGenerator extends Disposable {
  run(order: LoadOrder): Promise<LoadResult>;
}

export function startLoadGenerator(): LoadGenerator {
  const child = start("load.ts", []);
  return {
    async run(order) {
      child.send(order);
      const result = (await message(child)) as LoadResult | { error: string };
      if ("error" in result) throw new Error(`${order.target.port}: ${result.error}`);
      return result;
    },
    [Symbol.dispose]: ender(child),
  };
}

const start = (file: string, args: readonly string[]): ChildProcess =>
  fork(join(import.meta.dirname, file), [...args], { serialization: "advanced" });

const ender = (child: ChildProcess) => (): void => {
  if (child.connected) child.disconnect();
};

function message(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onExit = (): void => reject(new Error("A part of the bench ended early."));
    child.once("exit", onExit);
    child.once("message", (value) => {
      child.off("exit", onExit);
      resolve(value);
    });
  });
}

function pidOf({ pid }: ChildProcess): number {
  if (pid === undefined) throw new Error("The process did not start.");
  return pid;
}
