import { registerHooks } from "node:module";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { type Edit, ROOT, weakened } from "./weakening.ts";

/** Loaded before a stack's own code (`node --import`): weakens its sources on their way in. */
const edits = JSON.parse(process.env["WEAKENED_EDITS"] ?? "[]") as readonly Edit[];

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const file = url.startsWith("file:") ? relative(ROOT, fileURLToPath(url)) : "";
    if (!edits.some(([path]) => path === file) || !loaded.source) return loaded;
    const text = Buffer.from(loaded.source as Uint8Array).toString();
    return { ...loaded, source: weakened(edits, file, text) };
  },
});
