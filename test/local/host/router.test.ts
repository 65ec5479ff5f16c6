import { describe, expect, it } from "vitest";
import { createRouter, type RouteDefinition } from "../../../local/host/http/router.ts";

const route = (template: string, methods = ["GET"]): RouteDefinition<string> => ({
  functionName: template,
  route: template,
  methods,
  target: template,
});

const routerOf = (templates: (string | RouteDefinition<string>)[], prefix = "") => {
  const definitions = templates.map((entry) => (typeof entry === "string" ? route(entry) : entry));
  const { router, problems } = createRouter(definitions, prefix);
  expect(problems).toEqual([]);
  return (path: string, method = "GET") => router.match(method, path);
};

const problemsOf = (templates: (string | RouteDefinition<string>)[]): readonly string[] =>
  createRouter(
    templates.map((entry) => (typeof entry === "string" ? route(entry) : entry)),
    "",
  ).problems;

describe("routing", () => {
  it("tries literals before parameters, constraints before none, longer before shorter", () => {
    const match = routerOf([
      "{*rest}",
      "{a}/{b}",
      "{a:int}",
      "items",
      "items/{id}",
      "items/list",
      "items/{id:guid}",
    ]);
    expect(match("/items/list")?.target).toBe("items/list");
    expect(match("/items/7")?.target).toBe("items/{id}");
    expect(match("/items/6f5d0a4e-0000-4000-8000-000000000000")?.target).toBe("items/{id:guid}");
    expect(match("/items")?.target).toBe("items");
    expect(match("/12")?.target).toBe("{a:int}");
    expect(match("/x/y")?.target).toBe("{a}/{b}");
    expect(match("/x/y/z")?.target).toBe("{*rest}");
    expect(match("/")?.target).toBe("{*rest}");
  });

  it("compares literals without case and keeps the case of values", () => {
    const match = routerOf(["Items/{Id}"]);
    expect(match("/ITEMS/AbC")?.params).toEqual({ Id: "AbC" });
  });

  it("puts the route prefix in front of every route", () => {
    const match = routerOf(["items"], "/api/v1/");
    expect(match("/api/v1/items")?.target).toBe("items");
    expect(match("/items")).toBeUndefined();
  });

  it("takes the function's name where there is no route", () => {
    const definition = { functionName: "Hello", route: undefined, methods: ["GET"], target: "h" };
    expect(routerOf([definition], "api")("/api/hello")?.target).toBe("h");
  });

  it("matches nothing for a wrong method", () => {
    const match = routerOf([route("a", ["post"])]);
    expect(match("/a", "POST")?.target).toBe("a");
    expect(match("/a", "GET")).toBeUndefined();
    expect(match("/a", "HEAD")).toBeUndefined();
  });

  it("lets two functions share a route when their methods differ", () => {
    const match = routerOf([
      { ...route("a", ["GET"]), target: "reads" },
      { ...route("a", ["POST"]), target: "writes" },
    ]);
    expect([match("/a", "GET")?.target, match("/a", "POST")?.target]).toEqual(["reads", "writes"]);
  });

  it("finds for a path that comes again what it found before, for each method its own", () => {
    const match = routerOf([route("{a}/{b}", ["GET"]), route("{*rest}", ["GET", "POST"])]);
    for (const _ of [1, 2]) {
      expect(match("/x/y")).toEqual({ target: "{a}/{b}", params: { a: "x", b: "y" } });
      expect(match("/x/y", "POST")).toEqual({ target: "{*rest}", params: { rest: "x/y" } });
      expect(match("/x/Y")?.params).toEqual({ a: "x", b: "Y" });
      expect(match("/x/y", "PUT")).toBeUndefined();
    }
  });

  it("decodes values but leaves an encoded slash encoded", () => {
    const match = routerOf(["{a}/{*rest}"]);
    expect(match("/x%20y/a%2Fb/c%C3%BC/")?.params).toEqual({ a: "x y", rest: "a%2Fb/cü/" });
    expect(match("/%zz")?.params).toEqual({ a: "%zz" });
  });

  it("omits a catch-all that has nothing to catch", () => {
    const match = routerOf(["proxy/{*rest}"]);
    expect(match("/proxy")?.params).toEqual({});
    expect(match("/proxy/")?.params).toEqual({});
  });

  it("fills in optional parameters and defaults", () => {
    const match = routerOf(["a/{x?}", "b/{x=five}", "c/{x:int=5}", "d/{x:int?}"]);
    expect(match("/a")?.params).toEqual({});
    expect(match("/a/1")?.params).toEqual({ x: "1" });
    expect(match("/b")?.params).toEqual({ x: "five" });
    expect(match("/c")?.params).toEqual({ x: "5" });
    expect(match("/c/six")).toBeUndefined();
    expect(match("/d")?.params).toEqual({});
    expect(match("/d/x")).toBeUndefined();
  });

  it("takes segments apart that mix text and parameters", () => {
    const match = routerOf(["files/{name}.{ext?}", "v{major:int}.{minor:int}/info"]);
    expect(match("/files/a.b.c")?.params).toEqual({ name: "a.b", ext: "c" });
    expect(match("/files/plain")?.params).toEqual({ name: "plain" });
    expect(match("/v1.2/info")?.params).toEqual({ major: "1", minor: "2" });
    expect(match("/v1.x/info")).toBeUndefined();
  });

  it.each([
    ["{x:int}", ["1", "-5", "2147483647"], ["2147483648", "1.5", "x"]],
    ["{x:long}", ["9223372036854775807"], ["9223372036854775808"]],
    ["{x:bool}", ["true", "FALSE"], ["yes"]],
    ["{x:guid}", ["6f5d0a4e-0000-4000-8000-000000000000"], ["6f5d"]],
    ["{x:alpha}", ["abC"], ["ab1"]],
    ["{x:decimal}", ["1.5"], ["1e5"]],
    ["{x:double}", ["1e5", "-.5"], ["e"]],
    ["{x:datetime}", ["2026-11-22"], ["someday"]],
    ["{x:length(2,3)}", ["ab", "abc"], ["a", "abcd"]],
    ["{x:length(2)}", ["ab"], ["abc"]],
    ["{x:minlength(2):maxlength(3)}", ["ab"], ["a", "abcd"]],
    ["{x:min(5)}", ["5"], ["4", "a"]],
    ["{x:range(1,9)}", ["9"], ["10"]],
    ["{x:regex(^\\d{{3}}-[a-z]$)}", ["123-b"], ["12-b", "123-5"]],
    ["{x:regex(^a/b$)}", [], ["a"]],
    ["{x:required}", ["a"], []],
  ])("holds the constraint of %s", (template, good, bad) => {
    const match = routerOf([template]);
    for (const value of good) expect(match(`/${value}`)?.params).toEqual({ x: value });
    for (const value of bad) expect(match(`/${value}`)).toBeUndefined();
  });

  it("refuses what it does not understand, naming the function", () => {
    expect(problemsOf(["{a", "a//b", "{a}/{a}", "{*a}/b", "{a?}/b", "{a:odd}"])).toEqual([
      'Function "{a", route "{a": a brace is not closed',
      'Function "a//b", route "a//b": two slashes follow each other',
      'Function "{a}/{a}", route "{a}/{a}": the parameter "a" appears twice',
      'Function "{*a}/b", route "{*a}/b": the catch-all "a" must be a whole segment, the last one',
      'Function "{a?}/b", route "{a?}/b": the optional parameter "a" must be in the last segment',
      'Function "{a:odd}", route "{a:odd}": route constraint "odd" does not exist',
    ]);
  });

  it("refuses reserved routes and routes that overlap", () => {
    expect(
      problemsOf(["admin/x", "/Runtime", { ...route("A/b/"), functionName: "second" }, "a/b"]),
    ).toEqual([
      'Function "admin/x", route "admin/x": conflicts with one or more built in routes',
      'Function "/Runtime", route "/Runtime": conflicts with one or more built in routes',
      'Function "a/b", route "a/b": function "second" has it for GET too',
    ]);
  });
});
