import { describe, expect, it } from "vitest";
import type {
  CoreInvocationContext,
  ProgrammingModel,
  RpcInvocationResponse,
} from "../../../local/host/core/core-types.ts";
import { HookRegistry } from "../../../local/host/core/hook-registry.ts";
import { describeError, isAbort } from "../../../local/host/invocation/describe-error.ts";
import { createHostLog, levelOf } from "../../../local/host/invocation/host-log.ts";
import { Invoker, type InvokerOptions } from "../../../local/host/invocation/invoker.ts";
import { RunningWork } from "../../../local/host/invocation/running-work.ts";
import { FakeClock } from "../../support/fake-clock.ts";

/** A programming model that notes what it is asked, in order. */
function fakeModel(trace: string[]): ProgrammingModel {
  return {
    name: "fake",
    version: "1",
    getCapabilities: (defaults) => defaults,
    getInvocationModel: (core: CoreInvocationContext) => ({
      async getArguments() {
        trace.push("arguments");
        return { context: { functionName: core.metadata.name }, inputs: ["in"] };
      },
      async invokeFunction(context, inputs, callback) {
        trace.push(`invoke while ${core.state}`);
        return callback(...inputs, context);
      },
      async getResponse(_context, result): Promise<RpcInvocationResponse> {
        trace.push("response");
        return { invocationId: core.invocationId, returnValue: { string: String(result) } };
      },
    }),
  };
}

function arrange(options: Partial<InvokerOptions> = {}) {
  const trace: string[] = [];
  const lines: string[] = [];
  const clock = new FakeClock();
  const hooks = new HookRegistry();
  const log = createHostLog((line) => lines.push(line), {});
  const invoker = new Invoker({
    ...{ model: fakeModel(trace), hooks, log, clock },
    functionTimeoutMs: 1000,
    outputs: new Map(),
    ...options,
  });
  const fn = (callback: (...args: unknown[]) => unknown) => ({
    metadata: { name: "fn", bindings: {} },
    callback,
  });
  return { trace, lines, clock, hooks, invoker, fn };
}

const input = { inputData: [] };

describe("an invocation", () => {
  it("gets its arguments, runs and gives its response, leaving no timer", async () => {
    const { trace, invoker, fn, clock } = arrange();
    const response = await invoker.run(
      fn((value) => `${value}!`),
      input,
    );
    expect(response.returnValue).toEqual({ string: "in!" });
    expect(trace).toEqual(["arguments", "invoke while invocation", "response"]);
    expect(clock.pending).toBe(0);
  });

  it("lets hooks replace inputs, handler, result and error, sharing their data", async () => {
    const { hooks, invoker, fn, lines } = arrange();
    hooks.register("preInvocation", (context) => {
      (context["hookData"] as Record<string, unknown>)["seen"] = 1;
      context["inputs"] = ["changed"];
      context["functionCallback"] = (value: unknown) => {
        throw new Error(`no ${value}`);
      };
    });
    hooks.register("postInvocation", (context) => {
      expect(context["hookData"]).toEqual({ seen: 1 });
      context["result"] = `mended: ${(context["error"] as Error).message}`;
      context["error"] = null;
    });
    const response = await invoker.run(
      fn(() => "never"),
      input,
    );
    expect(response.returnValue).toEqual({ string: "mended: no changed" });
    expect(lines).toEqual([]);
  });

  it("fails with the error that post hooks leave, or throw", async () => {
    const { hooks, invoker, fn } = arrange();
    hooks.register("postInvocation", (context) => {
      context["error"] = new Error("from the hook");
    });
    await expect(
      invoker.run(
        fn(() => "fine"),
        input,
      ),
    ).rejects.toThrow("from the hook");
  });

  it("fails when it runs longer than functionTimeout", async () => {
    const { clock, invoker, fn, lines } = arrange();
    const run = expect(
      invoker.run(
        fn(() => new Promise(() => {})),
        input,
      ),
    ).rejects.toThrow("1000 ms");
    await clock.advance(1000);
    await run;
    expect(lines[0]).toContain("FunctionTimeoutError");
  });

  it("fails when an output cannot be sent", async () => {
    const outputs = new Map();
    const { invoker, fn } = arrange({ outputs });
    const target = fn(() => "x");
    outputs.set(target, () => Promise.reject(new Error("the queue is full")));
    await expect(invoker.run(target, input)).rejects.toThrow("the queue is full");
  });

  it("is not worth a line when it was given up because its client left", async () => {
    const { invoker, fn, lines } = arrange();
    const abort = fn(() => {
      throw new DOMException("gone", "AbortError");
    });
    const bug = fn(() => {
      throw new TypeError("a bug");
    });
    await expect(invoker.run(abort, input, () => true)).rejects.toThrow();
    expect(lines).toEqual([]);
    await expect(invoker.run(abort, input)).rejects.toThrow();
    await expect(invoker.run(bug, input, () => true)).rejects.toThrow();
    expect(lines).toHaveLength(2);
  });
});

describe("what the host prints", () => {
  it("goes by the longest category that host.json names", () => {
    const levels = { default: "error", Function: "warning", "function.chat": "debug" } as const;
    expect(levelOf("Function.chat.User", levels)).toBe("debug");
    expect(levelOf("Function.chatter.User", levels)).toBe("warning");
    expect(levelOf("Host.Results", levels)).toBe("error");
    expect(levelOf("Function.chat.User", {})).toBe("information");
  });

  it("is one line for an error, with the orchestrator's own words where it reports its state", () => {
    const state = '\n\n$OutOfProcData$:{"isDone":false,"error":"the step failed"}';
    expect(describeError(Object.assign(new Error(`false${state}`), { stack: "" }))).toBe(
      "Error: the step failed",
    );
    expect(describeError(new Error("two\n  lines"))).toMatch(/^Error: two \| lines \(at /);
    expect(describeError("text")).toBe("text");
    expect([isAbort(undefined), isAbort({ code: "ECONNRESET" }), isAbort(new Error("x"))]).toEqual([
      false,
      true,
      false,
    ]);
  });
});

describe("work under way", () => {
  it("is waited for, but not longer than the grace", async () => {
    const clock = new FakeClock();
    const running = new RunningWork(clock);
    expect(await running.ended(0)).toBe(true);
    const work = Promise.withResolvers<void>();
    running.track(work.promise);
    const tooShort = running.ended(10);
    const enough = running.ended(1000);
    await clock.advance(10);
    expect([await tooShort, running.count]).toEqual([false, 1]);
    work.reject(new Error("failed"));
    expect([await enough, running.count, clock.pending]).toEqual([true, 0, 0]);
  });
});
