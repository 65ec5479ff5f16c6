import type { ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import { showOperation, startOperation } from "../../../local/models/operations.ts";
import { findRoute } from "../../../local/models/route.ts";
import { FakeClock } from "../../support/fake-clock.ts";

/** A response that keeps what it is told. */
function answer() {
  const headers: Record<string, unknown> = {};
  const told = { status: 0, text: "" };
  const response = {
    setHeader(name: string, value: unknown): void {
      headers[name] = value;
    },
    writeHead(status: number) {
      told.status = status;
      return response;
    },
    end(text: string): void {
      told.text = String(text);
    },
  };
  return { response: response as unknown as ServerResponse, headers, told };
}

describe("a simulated operation", () => {
  it("runs for as long as it was asked to, and then says where its result is", async () => {
    const clock = new FakeClock();
    const started = answer();
    startOperation("/sim/operations?ms=5000", started.response, clock);
    expect(started.told.status).toBe(202);
    const route = findRoute("GET", String(started.headers["operation-location"]));
    if (route.name !== "operation") throw new Error("The location leads nowhere.");
    const ask = (isResult = false) => {
      const { response, told } = answer();
      showOperation(response, { id: route.id, isResult }, clock);
      return { code: told.status, ...(JSON.parse(told.text) as object) };
    };
    expect(ask()).toMatchObject({ status: "running" });
    expect(ask(true).code).toBe(404);
    await clock.advance(5000);
    expect(ask()).toMatchObject({
      status: "succeeded",
      resourceLocation: `/sim/operations/${route.id}/result`,
    });
    expect(ask(true)).toMatchObject({ answer: 42 });
  });
});
