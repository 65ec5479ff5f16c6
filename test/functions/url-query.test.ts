import { describe, expect, it } from "vitest";
import { UrlQuery } from "../../functions/url-query.ts";

describe("the query of a URL that the library asks for", () => {
  it.each([
    "",
    "/",
    "/a/b",
    "/a?",
    "/a?x",
    "/a?x=1&x=2&y=%20+z",
    "/a?x=a?b=c&&=d",
    "/a#x?y=1",
    "/a?x=1#y?z=2",
    "/a?x=%zz&%C3%BC=ü&e=\u{1f600}",
    "/a?x='\"<> {}|\\^`",
    "/%3Fx=1?y=2",
  ])("is that of URL: %s", (target) => {
    const { href, searchParams } = new URL(`http://gateway.test${target}`);
    expect([...new UrlQuery(href).searchParams]).toEqual([...searchParams]);
  });
});
