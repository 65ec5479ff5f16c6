import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { HostSettings } from "../../../shared/config/index.ts";
import { matchHosts as match, servingHost } from "../../../shared/routing/index.ts";
import { hostWith } from "../../support/hosts.ts";
import { settingsWith } from "../../support/settings.ts";

const all = hostWith({ id: "all" });
const api = hostWith({ id: "api", pathPrefix: "/api" });
const apiToo = hostWith({ id: "apiToo", pathPrefix: "/API" });
const v2 = hostWith({ id: "v2", pathPrefix: "/api/v2" });

const matchHosts = (hosts: readonly HostSettings[], target: string) =>
  match(hosts.map(servingHost), target);

const ids = (target: string): string[] =>
  matchHosts([all, api, v2, apiToo], target).map(({ serving: { host } }) => host.id);

describe("matchHosts", () => {
  it.each([
    ["/api", ["api", "apiToo"]],
    ["/api/", ["api", "apiToo"]],
    ["/API/chat", ["api", "apiToo"]],
    ["/api?x=/v2", ["api", "apiToo"]],
    ["/api/v2/chat", ["v2"]],
    ["/api/v20", ["api", "apiToo"]],
    ["/apiv2", ["all"]],
    ["/other/api", ["all"]],
    ["/", ["all"]],
    ["/?next=/api", ["all"]],
  ])("serves %s by the longest prefix on a segment boundary", (target, expected) => {
    expect(ids(target)).toEqual(expected);
  });

  it("finds nobody where no prefix matches and nobody serves everything", () => {
    expect(matchHosts([api], "/other")).toEqual([]);
    expect(matchHosts([], "/")).toEqual([]);
  });

  it.each([
    ["/api/chat?x=1", "/chat?x=1"],
    ["/api", "/"],
    ["/api?x=1", "/?x=1"],
    ["/api/", "/"],
    ["/API/Chat", "/Chat"],
  ])("cuts the prefix off %s", (target, expected) => {
    expect(matchHosts([api], target)[0]?.target).toBe(expected);
  });

  it("keeps the prefix where the host wants it", () => {
    const host = hostWith({ pathPrefix: "/api", stripPrefix: false });
    expect(matchHosts([host], "/api/chat")[0]?.target).toBe("/api/chat");
  });

  it("puts the host's own base path before the rest", () => {
    const host = hostWith({ pathPrefix: "/api", basePath: "/openai/deployments" });
    expect(matchHosts([host], "/api/chat")[0]?.target).toBe("/openai/deployments/chat");
    expect(matchHosts([host], "/api?a")[0]?.target).toBe("/openai/deployments/?a");
  });

  it.each(["/api/*", "/api/", "/api*", "api"])("treats the path %s as the prefix /api", (path) => {
    const { hosts } = settingsWith({ Host1: `host=a.test;path=${path}` });
    expect(matchHosts(hosts, "/api/x")).toHaveLength(1);
    expect(matchHosts(hosts, "/apix")).toHaveLength(0);
  });

  it("changes nothing else of a target, be it encoded, doubled or strange", () => {
    const rest = fc
      .array(fc.constantFrom("%2F", "%26", "%23", "%25", "+", "//", "..a", "a", "é", "&", "=", "?"))
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(rest, (text) => {
        expect(matchHosts([all], `/${text}`)[0]?.target).toBe(`/${text}`);
        expect(matchHosts([api], `/api/${text}`)[0]?.target).toBe(`/${text}`);
      }),
    );
  });
});
