import { describe, expect, it } from "vitest";
import { impatient } from "../../../shared/connections/identity-credential.ts";
import { listenerCount } from "../../support/listener-count.ts";

const TOKEN = { token: "t", expiresOnTimestamp: 1 };

describe("a credential that gives up", () => {
  it("hands on what is asked for, and the token", async () => {
    const asked: unknown[] = [];
    const credential = impatient({
      getToken: async (scopes, options) => {
        asked.push(scopes, options?.tenantId);
        return TOKEN;
      },
    });
    expect(await credential.getToken("scope", { tenantId: "tenant" })).toBe(TOKEN);
    expect(asked).toEqual(["scope", "tenant"]);
  });

  it("waits no longer than its limit, and stops the asking", async () => {
    let given: unknown;
    const credential = impatient(
      {
        getToken: (_, options) => {
          given = options?.abortSignal;
          return new Promise(() => {});
        },
      },
      10,
    );
    await expect(credential.getToken("scope")).rejects.toThrow("No token came within 10 ms.");
    expect(given).toMatchObject({ aborted: true });
  });

  it("leaves with its caller, and leaves nothing behind", async () => {
    const leaving = new AbortController();
    const credential = impatient({ getToken: () => new Promise(() => {}) });
    const asking = credential.getToken("scope", { abortSignal: leaving.signal });
    leaving.abort(new Error("left"));
    await expect(asking).rejects.toThrow("left");
    expect(listenerCount(leaving.signal)).toBe(0);
  });
});
