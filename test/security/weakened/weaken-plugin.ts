import { relative } from "node:path";
import type { Plugin as BundlePlugin } from "esbuild";
import type { Vite } from "vitest/node";
import { type Edit, ROOT, sourceOf, weakened } from "./weakening.ts";

const fileOf = (id: string): string => relative(ROOT, id.split("?", 1).join());

/** Weakens the sources that a test run reads. */
export function weakenTests(edits: readonly Edit[]): Vite.Plugin {
  const files = new Set(edits.map(([file]) => file));
  return {
    name: "weaken",
    enforce: "pre",
    // Sources are kept as they were transformed, for all runs together: those that are weakened apart.
    configureVitest({ defineCacheKeyGenerator }) {
      defineCacheKeyGenerator(({ id }) =>
        files.has(fileOf(id)) ? JSON.stringify(edits) : undefined,
      );
    },
    transform(code, id) {
      const file = fileOf(id);
      return files.has(file) ? { code: weakened(edits, file, code), map: null } : undefined;
    },
  };
}

/** Weakens the sources that a bundle is made of. */
export function weakenBundle(edits: readonly Edit[]): BundlePlugin {
  const files = new Set(edits.map(([file]) => file));
  return {
    name: "weaken",
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/, namespace: "file" }, ({ path }) => {
        const file = relative(ROOT, path);
        if (!files.has(file)) return undefined;
        return { contents: weakened(edits, file, sourceOf(file)), loader: "ts" };
      });
    },
  };
}
