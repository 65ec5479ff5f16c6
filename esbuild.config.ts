import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { basename, extname, join } from "node:path";
import { type BuildOptions, build, type Loader, type Metafile, type Plugin } from "esbuild";
import { buildPage } from "./functions/operations-page/build-page.ts";

const OUTPUT = "dist/functions";
const APP_FILE = "index.cjs";

/**
 * CommonJS for both function apps. `@azure/functions-core` stays external because the Functions
 * worker injects it at `require` time; everything else is inside, so a deployed package needs no
 * node_modules and there is exactly one copy of `@azure/functions`.
 */
const options: BuildOptions = {
  absWorkingDir: import.meta.dirname,
  outdir: OUTPUT,
  outExtension: { ".js": ".cjs" },
  bundle: true,
  platform: "node",
  target: "node22",
  format: "cjs",
  sourcemap: true,
  sourcesContent: false,
  // Names stay as they are written: they are what a stack trace shows.
  minifyWhitespace: true,
  legalComments: "none",
  external: ["@azure/functions-core"],
  // The library's published code is compiled for engines of 2015: its promises are generators, its
  // private fields are weak maps. Its own sources, which it ships beside, cost a request far less.
  alias: {
    "@azure/functions": "./node_modules/@azure/functions/src/index.ts",
    "@azure/functions-extensions-base":
      "./node_modules/@azure/functions-extensions-base/dist/azure-functions-extensions-base.js",
  },
  // In CommonJS a file knows its folder by another name.
  define: { "import.meta.dirname": "__dirname" },
  tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: false } },
  logLevel: "warning",
  metafile: true,
  write: false,
};

/** The file of a library that is loaded on first use; those that share what they are built on share it. */
function libraryFile(name: string): string {
  if (/^@opentelemetry\/|^@azure\/monitor-/.test(name)) return "telemetry";
  if (name.startsWith("@azure/")) return "azure";
  return name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
}

/** What runs in threads of its own. */
const THREADS = [
  { in: "shared/tokens/count-tokens.worker.ts", out: "count-tokens.worker" },
] as const;

/** The tokens of encodings, as their library ships them beside its code: text that nobody has to parse as such. */
const TOKENS = ["cl100k_base.tiktoken", "o200k_base.tiktoken"] as const;
const TOKENS_FOLDER = join(import.meta.dirname, "node_modules", "gpt-tokenizer", "data");

/** Libraries by the file that holds them. */
type Libraries = Map<string, Set<string>>;

/** Notes that a file holds a library; gives the expression that loads it from there. */
function loadedFrom(libraries: Libraries, file: string, library: string): string {
  libraries.set(file, (libraries.get(file) ?? new Set()).add(library));
  return `require("./${file}.cjs")[${JSON.stringify(library)}]()`;
}

/** The files of libraries are there when the app runs, and not while it is built. */
const besideTheApp: Plugin = {
  name: "beside-the-app",
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/[\w-]+\.cjs$/ }, ({ path, namespace }) =>
      /^on-first-/.test(namespace) ? { path, external: true } : undefined,
    );
  },
};

/**
 * What durable-functions loads for calls of its own to the host, for timers and for checks of addresses:
 * a fifth of what the app would read and evaluate before its first request, and the stream app never
 * asks for it.
 */
const BESIDE_DURABLE = /^(?:axios|moment|validator|lodash\/cloneDeep)$/;

/** Loads what stands beside durable-functions when it is first touched, and not when it is named. */
const onFirstTouch = (libraries: Libraries): Plugin => ({
  name: "on-first-touch",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: BESIDE_DURABLE }, ({ path, importer }) =>
      isOf("durable-functions", importer) ? { path, namespace: "on-first-touch" } : undefined,
    );
    onLoad({ filter: /.*/, namespace: "on-first-touch" }, ({ path }) => ({
      contents: `const library = () => ${loadedFrom(libraries, libraryFile(path), path)};
module.exports = new Proxy(() => {}, {
  apply: (_, self, given) => Reflect.apply(library(), self, given),
  get: (_, name) => library()[name],
});`,
    }));
  },
});

/** Of undici the app uses its pools of connections: a third of it, with neither fetch nor caches. */
const POOLS_OF_UNDICI = `exports.Agent = require("undici/lib/dispatcher/agent.js");
exports.Pool = require("undici/lib/dispatcher/pool.js");
exports.Client = require("undici/lib/dispatcher/client.js");
exports.buildConnector = require("undici/lib/core/connect.js");
Object.assign(require("undici/lib/dispatcher/dispatcher.js").prototype, {
  request: require("undici/lib/api/api-request.js"),
});`;

/** Its parsers for other machines and settings; the first connection needs the one that stays. */
const OTHER_PARSERS = /\/(llhttp\/llhttp-wasm|milo\/(?:no-)?simd)\.js$/;

/** What speaks HTTP/2, with node's own part for that: off unless the settings ask for it. */
const HTTP2_OF_UNDICI = `module.exports = (...given) =>
  require("undici/lib/dispatcher/client-h2.js")(...given);`;

const poolsOfUndici = (libraries: Libraries): Plugin => ({
  name: "pools-of-undici",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^undici$/ }, ({ path }) => ({ path, namespace: "pools-of-undici" }));
    onLoad({ filter: /.*/, namespace: "pools-of-undici" }, () => ({
      contents: POOLS_OF_UNDICI,
      resolveDir: import.meta.dirname,
    }));
    onResolve({ filter: OTHER_PARSERS }, ({ path, importer }) => {
      const parser = isOf("undici", importer) ? OTHER_PARSERS.exec(path)?.[1] : undefined;
      if (parser === undefined) return;
      return { path: `undici/lib/${parser}.js`, namespace: "on-first-need" };
    });
    onResolve({ filter: /\/client-h2\.js$/ }, ({ importer }) =>
      isOf("undici", importer) ? { path: "http2", namespace: "http2-of-undici" } : undefined,
    );
    onLoad({ filter: /.*/, namespace: "http2-of-undici" }, () => ({
      contents: HTTP2_OF_UNDICI,
      resolveDir: import.meta.dirname,
    }));
    onLoad({ filter: /.*/, namespace: "on-first-need" }, ({ path }) => ({
      contents: `module.exports = ${loadedFrom(libraries, "undici-parsers", path)};`,
    }));
  },
});

/** Whether a file belongs to a package. */
const isOf = (name: string, file: string): boolean =>
  file.replaceAll("\\", "/").includes(`/node_modules/${name}/`);

/**
 * What the app asks for with `import()` goes to files of its own: an instance that starts would else
 * read and parse, before its first request, four megabytes that it may never run.
 */
const onFirstUse = (libraries: Libraries): Plugin => ({
  name: "on-first-use",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^[^./]/ }, ({ path, kind, importer }) => {
      if (kind !== "dynamic-import" || importer.includes("node_modules") || isBuiltin(path)) return;
      return { path, namespace: "on-first-use" };
    });
    onLoad({ filter: /.*/, namespace: "on-first-use" }, ({ path }) => ({
      contents: `module.exports = ${loadedFrom(libraries, libraryFile(path), path)};`,
    }));
  },
});

const libraryEntries = (libraries: Libraries): Plugin => ({
  name: "library-entries",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^libraries:/ }, ({ path }) => ({
      path: path.slice("libraries:".length),
      namespace: "libraries",
    }));
    onLoad({ filter: /.*/, namespace: "libraries" }, ({ path }) => ({
      contents: [...(libraries.get(path) ?? [])]
        .sort()
        .map((name) => JSON.stringify(name))
        .map((name) => `exports[${name}] = () => require(${name});`)
        .join("\n"),
      resolveDir: import.meta.dirname,
    }));
  },
});

/**
 * Keeps the libraries' lines out of the source map. Node reads the whole map at a process's first
 * stack trace and keeps it: with them that stops a host for a third of a second and takes 85 MB of its
 * memory. Of a library a trace names the function and the file. And keeps their text in ASCII: one
 * letter beyond Latin-1 anywhere in a file has V8 hold all of it in two bytes a character.
 */
const libraryText: Plugin = {
  name: "library-text",
  setup({ onLoad }) {
    const filter = /\/node_modules\/.*\.[cm]?[jt]s$/;
    onLoad({ filter, namespace: "file" }, async ({ path }) => {
      const text = await readFile(path, "utf8");
      const loader: Loader = extname(path).endsWith("ts") ? "ts" : "js";
      const contents = `${importsFor(path)}${inAscii(text)}\n${mapOfFile(basename(path))}`;
      return { contents, loader };
    });
  },
};

const REQUEST_OF_THE_LIBRARY = /\/@azure\/functions\/src\/http\/HttpRequest\.ts$/;

/**
 * The library makes a fetch `Request` of every call, and a `URL` for its query. In the file that does so both
 * names mean ours: one that becomes real when somebody looks at it, and one that takes nothing apart.
 */
function importsFor(path: string): string {
  if (!REQUEST_OF_THE_LIBRARY.test(path.replaceAll("\\", "/"))) return "";
  const own = (file: string): string =>
    JSON.stringify(join(import.meta.dirname, "functions", file));
  return `import { Request } from ${own("lazy-request.ts")};
import { UrlQuery as URL } from ${own("url-query.ts")};
`;
}

// Strings are escaped by esbuild as well; patterns are not.
const inAscii = (text: string): string =>
  text.replaceAll(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** The comment that maps a whole file to its beginning. */
function mapOfFile(name: string): string {
  const map = JSON.stringify({ version: 3, sources: [name], mappings: "AAAA" });
  return `//# sourceMappingURL=data:application/json;base64,${Buffer.from(map).toString("base64")}`;
}

/**
 * The files of the app, and what they are made of: `index.cjs`, and one file a group of libraries.
 * `before` are plugins that see the sources first.
 */
export async function buildBundle(
  before: readonly Plugin[] = [],
): Promise<{ files: Map<string, Uint8Array>; made: Metafile[] }> {
  const libraries: Libraries = new Map();
  const app = await build({
    ...options,
    entryPoints: { index: "functions/index.ts" },
    define: { ...options.define, OPERATIONS_PAGE: JSON.stringify(await buildPage()) },
    plugins: [
      ...before,
      besideTheApp,
      onFirstUse(libraries),
      onFirstTouch(libraries),
      poolsOfUndici(libraries),
      libraryText,
    ],
  });
  const entryPoints = [...libraries.keys()].map((out) => ({ in: `libraries:${out}`, out }));
  entryPoints.push(...THREADS);
  const rest = await build({
    ...options,
    entryPoints,
    plugins: [...before, libraryEntries(libraries), libraryText],
  });
  const outputs = [...(rest.outputFiles ?? []), ...(app.outputFiles ?? [])];
  const files = new Map(outputs.map(({ path, contents }) => [basename(path), contents]));
  for (const name of TOKENS) files.set(name, await readFile(join(TOKENS_FOLDER, name)));
  return {
    files,
    made: [app.metafile, rest.metafile].filter((metafile) => metafile !== undefined),
  };
}

if (import.meta.main) {
  const { files } = await buildBundle();
  const folder = join(import.meta.dirname, OUTPUT);
  mkdirSync(folder, { recursive: true });
  // The app's own file comes last: while it is old, whoever looks at it builds again.
  const names = [...files.keys()].sort((a, b) => Number(a === APP_FILE) - Number(b === APP_FILE));
  for (const name of names) writeFileSync(join(folder, name), files.get(name) ?? "");
  for (const name of readdirSync(folder)) if (!files.has(name)) rmSync(join(folder, name));
}
