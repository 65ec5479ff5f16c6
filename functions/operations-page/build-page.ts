import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";

const FOLDER = import.meta.dirname;

/** The page in one document, and the content security policy that lets nothing else run in it. */
export async function buildPage(): Promise<{ html: string; policy: string }> {
  const { outputFiles } = await build({
    entryPoints: [join(FOLDER, "main.ts")],
    bundle: true,
    format: "esm",
    target: "es2022",
    minify: true,
    write: false,
  });
  const script = outputFiles[0]?.text.trim() ?? "";
  const style = await readFile(join(FOLDER, "page.css"), "utf8");
  const frame = await readFile(join(FOLDER, "page.html"), "utf8");
  // As functions: a `$` in what is put in has no meaning then.
  const html = frame.replace("/*STYLE*/", () => style).replace("/*SCRIPT*/", () => script);
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    "img-src data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");
  return { html, policy };
}

const hashOf = (text: string): string =>
  `sha256-${createHash("sha256").update(text).digest("base64")}`;
