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
  logLevel: "warning",
});
