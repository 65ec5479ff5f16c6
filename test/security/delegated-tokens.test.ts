import { beforeAll, describe, expect, it } from "vitest";
import { createAuthentication } from "../../shared/identity/index.ts";
import { FakeClock } from "../support/fake-clock.ts";
import {
  APP,
  type Claims,
  createFakeEntra,
  ENTRA_SETTINGS,
  type FakeEntra,
  USER,
} from "../support/fake-entra.ts";
import { settingsWith } from "../support/settings.ts";

const clock = new FakeClock();
let entra: FakeEntra;
beforeAll(async () => {
  entra = await createFakeEntra("https://login.test", () => clock.now());
});

/** Whom a token makes of its bearer. */
async function callerOf(claims: Claims, env: Record<string, string> = {}) {
  const { authentication } = settingsWith({
    ...ENTRA_SETTINGS,
    ...env,
  });
  const authenticate = createAuthentication(authentication, {
    clock,
    fetchJson: () => entra.keys(),
  });
  const token = await entra.token(claims);
  return (await authenticate?.([["Authorization", `Bearer ${token}`]]))?.caller;
}

describe("a token that an application has of its user", () => {
  const GIVEN = { scp: "Gateway.Operator access" };

  it("lets nobody speak for others, whatever application it is", async () => {
    const trusting = { GATEWAY_AUTH_TRUSTED_CALLERS: APP };
    expect(await callerOf(GIVEN, trusting)).toMatchObject({ id: USER, isTrusted: false });
    expect(await callerOf({ roles: ["access"] }, trusting)).toMatchObject({ isTrusted: true });
    const named = { GATEWAY_AUTH_TRUSTED_CALLERS: USER };
    expect(await callerOf(GIVEN, named)).toMatchObject({ isTrusted: true });
  });

  it("makes no operator by what the user has agreed to", async () => {
    expect(await callerOf(GIVEN)).toMatchObject({ isOperator: false });
    const assigned = { ...GIVEN, roles: ["Gateway.Operator"] };
    expect(await callerOf(assigned)).toMatchObject({ isOperator: true });
  });
});
