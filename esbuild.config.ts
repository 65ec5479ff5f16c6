import { build } from "esbuild";

/**
 * One CommonJS bundle for both function apps. `@azure/functions-core` stays external because the
 * Functions worker injects it at `require` time; everything else is inside, so a deployed package
 * needs no node_modules and there is exactly one copy of `@azure/functions`.
 */
await build({
  entryPoints: { index: "functions/index.ts" },
  outdir: "dist/functions",
  outExtension: { ".js": ".cjs" },
  bundle: true,
  platform: "node",
  target: "node22",
  format: "cjs",
  sourcemap: true,
  sourcesContent: false,
  legalComments: "none",
  external: ["@azure/functions-core"],
  // The library's published code is compiled for engines of 2015: its promises are generators, its
  // private fields are weak maps. Its own sources, which it ships beside, cost a request far less.
  alias: {
    "@azure/functions": "./node_modules/@azure/functions/src/index.ts",
    "@azure/functions-extensions-base":
      "./node_modules/@azure/functions-extensions-base/dist/azure-functions-extensions-base.js",
  },
  tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: false } },
  logLevel: "warning",
});
