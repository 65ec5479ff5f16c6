import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Metafile } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildBundle } from "../../../esbuild.config.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const LOADER = join(import.meta.dirname, "load-app.ts");

/** What an app may load before its first request: an instance that starts pays for each of them. */
const AT_START = new Set([
  "@azure/functions",
  "@opentelemetry/api",
  "durable-functions",
  "ipaddr.js",
  "standardwebhooks",
  "undici",
  "zod",
]);
const MOST_BYTES_AT_START = 1_600_000;

/** Parts of undici that its pools load by their own where they need them. */
const PARSERS = "dist/functions/undici-parsers.cjs";

// Of functions, while it is loaded: time itself would say more of the machine.
const MOST_CALLS_AT_START = 24_000;

const folder = mkdtempSync(join(tmpdir(), "gateway-bundle-"));
let files: ReadonlyMap<string, Uint8Array>;
let outputs: Metafile["outputs"];

beforeAll(async () => {
  const { made, ...bundle } = await buildBundle();
  files = bundle.files;
  writeFileSync(join(folder, "index.cjs"), files.get("index.cjs") ?? "");
  outputs = Object.assign({}, ...made.map((metafile) => metafile.outputs));
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

const packageOf = (file: string): string | undefined =>
  /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1];

const packagesIn = (file: string): ReadonlySet<string | undefined> =>
  new Set(Object.keys(outputs[file]?.inputs ?? {}).map(packageOf));

/** Loads the app, with no other file beside it, in a process of its own. */
function loadApp(role: string): { calls: number; parts: readonly string[] } {
  const run = spawnSync(process.execPath, [LOADER, join(folder, "index.cjs")], {
    env: {
      AzureWebJobsStorage: "UseDevelopmentStorage=true",
      ServiceBusConnection:
        "Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=a;SharedAccessKey=b;UseDevelopmentEmulator=true;",
      GATEWAY_ROLE: role,
      Host1: "host=http://127.0.0.1:1;mode=direct",
    },
    encoding: "utf8",
  });
  if (run.status !== 0) throw new Error(`The bundle did not load:\n${run.stderr}`);
  // The app's own log lines come first.
  return JSON.parse(run.stdout.split("\n").at(-1) ?? "");
}

/** The files of a package that are loaded at the start. */
const partsOf = (name: string): string[] =>
  Object.entries(outputs["dist/functions/index.cjs"]?.inputs ?? {})
    .filter(([file, { bytesInOutput }]) => packageOf(file) === name && bytesInOutput > 0)
    .map(([file]) => file.replace(/.*node_modules\/[^/]+\//, ""));

const scripts = (): string[] => Object.keys(outputs).filter((file) => file.endsWith(".cjs"));

describe("the bundle", () => {
  it("keeps the heavy libraries out of the file that is loaded at the start", () => {
    const { dependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    const atStart = packagesIn("dist/functions/index.cjs");
    const early = Object.keys(dependencies).filter((name) => atStart.has(name));
    // Nor what they are built on: that comes with a library that was imported by its name.
    const below = [...atStart].filter((name) => /^@azure\/(?!functions)|^rhea/.test(name ?? ""));
    expect([...early.filter((name) => !AT_START.has(name)), ...below]).toEqual([]);
    expect(early).toContain("undici");
    expect(outputs["dist/functions/index.cjs"]?.bytes).toBeLessThan(MOST_BYTES_AT_START);
  });

  it("is ASCII, so that no script takes two bytes a character in memory", () => {
    const wide = [...files].filter(
      ([name, bytes]) => name.endsWith(".cjs") && bytes.some((byte) => byte > 0x7f),
    );
    expect(wide.map(([name]) => name)).toEqual([]);
  });

  it("loads what durable-functions seldom needs when that is touched, each from a file of its own", () => {
    const late = ["axios", "lodash/cloneDeep", "moment", "validator"];
    const named = Object.keys(outputs["dist/functions/index.cjs"]?.inputs ?? {});
    expect(named.filter((name) => name.startsWith("on-first-touch:")).sort()).toEqual(
      late.map((name) => `on-first-touch:${name}`),
    );
    const atStart = packagesIn("dist/functions/index.cjs");
    expect(late.filter((name) => atStart.has(name.split("/")[0]))).toEqual([]);
    const files = ["axios", "lodash-clonedeep", "moment", "validator"];
    expect(scripts()).toEqual(
      expect.arrayContaining(files.map((name) => `dist/functions/${name}.cjs`)),
    );
  });

  it("has of undici its pools at the start, with one parser, and nothing that works by fetch", () => {
    const parts = partsOf("undici");
    expect(parts).toContain("lib/dispatcher/agent.js");
    expect(parts).toContain("lib/api/api-request.js");
    const late =
      /^index\.js$|^lib\/(?:mock|interceptor|cache|handler)\/|^lib\/web\/(?:websocket|eventsource|cache|cookies)\/|llhttp-wasm\.js$|milo\//;
    expect(parts.filter((part) => late.test(part))).toEqual([]);
    const parsers = Object.keys(outputs[PARSERS]?.inputs ?? {}).filter((name) => packageOf(name));
    expect(parsers.map((name) => basename(name)).sort()).toEqual([
      "llhttp-wasm.js",
      "no-simd.js",
      "simd.js",
    ]);
  });

  it.each(["stream", "jobs"])("starts as %s from that file alone, with little to do", (role) => {
    const { calls, parts } = loadApp(role);
    expect(calls).toBeLessThan(MOST_CALLS_AT_START);
    expect(calls).toBeGreaterThan(1000);
    // Node's own fetch, which is loaded with the first thing of it that is touched.
    expect(parts).not.toContain("NativeModule internal/deps/undici/undici");
    // Spoken where the settings ask for it.
    expect(parts).not.toContain("NativeModule http2");
    expect(parts).toContain("NativeModule http");
  });

  it("has what stands in for a request and its URL in the library, where the library makes them", () => {
    const made = Object.entries(outputs["dist/functions/index.cjs"]?.inputs ?? {});
    const used = made.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([file]) => file);
    expect(used).toEqual(
      expect.arrayContaining(["functions/lazy-request.ts", "functions/url-query.ts"]),
    );
  });

  it("has of zod's messages those in English", () => {
    const languages = partsOf("zod").filter((part) => part.startsWith("v4/locales/"));
    expect(languages).toEqual(["v4/locales/en.js"]);
  });

  it("has the tokens of both encodings beside the thread that counts", () => {
    const names = [...files.keys()].filter((name) => name.endsWith(".tiktoken"));
    expect(names).toEqual(["cl100k_base.tiktoken", "o200k_base.tiktoken"]);
    // With the tables in it the thread would parse millions of characters of code before it counts one.
    expect(outputs["dist/functions/count-tokens.worker.cjs"]?.bytes).toBeLessThan(20_000);
  });

  it("holds all that it needs but what the Functions worker gives it", () => {
    const foreign = Object.values(outputs)
      .flatMap(({ imports }) => imports)
      .filter(({ external, path }) => external && !isBuiltin(path))
      .map(({ path }) => path.replace("./", "dist/functions/"));
    const own = new Set(scripts());
    expect(new Set(foreign.filter((path) => !own.has(path)))).toEqual(
      new Set(["@azure/functions-core"]),
    );
  });

  it("has each library once, so that there is one list of functions and one kind of each error", () => {
    const holders = new Map<string, string[]>();
    for (const script of scripts().filter((name) => name !== PARSERS)) {
      for (const name of packagesIn(script)) {
        if (name !== undefined) holders.set(name, [...(holders.get(name) ?? []), script]);
      }
    }
    // Telemetry sends by a pipeline of its own: it takes a credential, which is known by its method.
    const shared = [...holders].filter(
      ([name, files]) =>
        files.filter((file) => file !== "dist/functions/telemetry.cjs").length > 1 &&
        !isPlain(name),
    );
    expect(shared).toEqual([]);
    const inputs = Object.values(outputs).flatMap((output) => Object.keys(output.inputs));
    const copies = inputs.filter((file) => /@azure\/functions\/.*\/app\.[mc]?[jt]s$/.test(file));
    expect(copies).toEqual([expect.stringMatching(/@azure\/functions\/src\/app\.ts$/)]);
  });
});

// Small helpers without a state or a class of their own: a second copy does no harm.
const PLAIN = new Set([
  "agent-base",
  "debug",
  "has-flag",
  "https-proxy-agent",
  "ms",
  "supports-color",
  "tslib",
]);
const isPlain = (name: string): boolean => PLAIN.has(name) || name.startsWith("@opentelemetry/");
