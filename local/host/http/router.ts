import { remembered } from "../../../shared/core/remembered.ts";
import { compileMatcher, type RouteMatcher, type RouteParams, splitPath } from "./route-matcher.ts";
import { compareTemplates } from "./route-precedence.ts";
import { parseRouteTemplate } from "./route-template.ts";

/** A function's place in the URL space. */
export interface RouteDefinition<T> {
  /** Name for messages. */
  readonly functionName: string;
  /** The function's own route; its name when it has none. */
  readonly route: string | undefined;
  readonly methods: readonly string[];
  readonly target: T;
}

/** What a request met. */
export interface RouteMatch<T> {
  readonly target: T;
  readonly params: RouteParams;
}

/** Finds the function for a request. A wrong method is no match: the method is a route constraint. */
export interface Router<T> {
  match(method: string, path: string): RouteMatch<T> | undefined;
}

/** Compiles the routes; `problems` says what is wrong with any of them. */
export function createRouter<T>(
  definitions: readonly RouteDefinition<T>[],
  routePrefix: string,
): { router: Router<T>; problems: readonly string[] } {
  const problems = [...reserved(definitions), ...conflicts(definitions)];
  const routes = definitions
    .flatMap((definition) => {
      try {
        const segments = parseRouteTemplate(fullRoute(definition, routePrefix));
        const methods = new Set(definition.methods.map((method) => method.toUpperCase()));
        return [
          { segments, methods, matches: compileMatcher(segments), target: definition.target },
        ];
      } catch (error) {
        problems.push(`${label(definition)}: ${(error as Error).message}`);
        return [];
      }
    })
    .sort((a, b) => compareTemplates(a.segments, b.segments));
  return { router: createTable(routes), problems };
}

interface Route<T> {
  readonly methods: ReadonlySet<string>;
  readonly matches: RouteMatcher;
  readonly target: T;
}

/** Most requests come for a path that came before: its route, and what it binds, are known then. */
function createTable<T>(routes: readonly Route<T>[]): Router<T> {
  const methods = new Set(routes.flatMap((route) => [...route.methods]));
  const tables = new Map(
    [...methods].map((method) => {
      const own = routes.filter((route) => route.methods.has(method));
      return [method, remembered((path) => findRoute(own, path))];
    }),
  );
  return { match: (method, path) => tables.get(method)?.(path) };
}

function findRoute<T>(routes: readonly Route<T>[], path: string): RouteMatch<T> | undefined {
  const split = splitPath(path);
  for (const { matches, target } of routes) {
    const params = matches(split);
    if (params) return { target, params };
  }
  return undefined;
}

function fullRoute(definition: RouteDefinition<unknown>, routePrefix: string): string {
  const prefix = routePrefix.replace(/^\/|\/$/g, "");
  return [prefix, ownRoute(definition).replace(/^\//, "")].filter(Boolean).join("/");
}

const ownRoute = ({ route, functionName }: RouteDefinition<unknown>): string =>
  route ? route : functionName;

const label = (definition: RouteDefinition<unknown>): string =>
  `Function "${definition.functionName}", route "${ownRoute(definition)}"`;

function reserved(definitions: readonly RouteDefinition<unknown>[]): string[] {
  return definitions
    .filter(({ route }) => /^\/?(admin|runtime)/i.test(route ?? ""))
    .map((definition) => `${label(definition)}: conflicts with one or more built in routes`);
}

function conflicts(definitions: readonly RouteDefinition<unknown>[]): string[] {
  const problems: string[] = [];
  const owners = new Map<string, string>();
  for (const definition of definitions) {
    for (const method of definition.methods) {
      const key = `${method.toUpperCase()} ${ownRoute(definition)
        .replace(/^\/|\/$/g, "")
        .toLowerCase()}`;
      const owner = owners.get(key);
      if (owner)
        problems.push(`${label(definition)}: function "${owner}" has it for ${method} too`);
      else owners.set(key, definition.functionName);
    }
  }
  return problems;
}
