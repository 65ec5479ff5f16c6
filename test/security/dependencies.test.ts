import { describe, expect, it } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import lock from "../../package-lock.json" with { type: "json" };

/** One package as the lock file pins it. */
interface Locked {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly hasInstallScript?: boolean;
}

const PLACE = "node_modules/";
const packages = Object.entries<Locked>(lock.packages).filter(([place]) => place !== "");
const nameOf = (place: string): string => place.slice(place.lastIndexOf(PLACE) + PLACE.length);
const wanted = { ...manifest.dependencies, ...manifest.devDependencies };

// Their scripts fetch or check a binary of their own, and run where they are allowed to; what is deployed
// holds none of them.
const WITH_SCRIPTS = ["esbuild", "node", "protobufjs"];
// What two versions of would be two of: lists of functions, kinds of errors, shapes of spans.
const SINGLE = ["@azure/functions", "@azure/core-auth", "@opentelemetry/api", "undici", "zod"];

describe("every dependency", () => {
  it("that is asked for is asked for in one version", () => {
    const loose = Object.entries(wanted).filter(
      ([, version]) => !/^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/.test(version),
    );
    expect(loose).toEqual([]);
    const locked = Object.fromEntries(
      Object.keys(wanted).map((name) => [
        name,
        packages.find(([place]) => place === `${PLACE}${name}`)?.[1].version,
      ]),
    );
    expect(locked).toEqual(wanted);
  });

  it("is pinned with the digest of what it holds", () => {
    expect(packages.length).toBeGreaterThan(100);
    const unpinned = packages.filter(
      ([, { version, integrity = "", link }]) =>
        link || !version || !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity),
    );
    expect(unpinned.map(([place]) => place)).toEqual([]);
  });

  it("comes from a registry, over https", () => {
    const elsewhere = packages.filter(
      ([, { resolved = "https:" }]) => !resolved.startsWith("https:") || /\.git\b/.test(resolved),
    );
    expect(elsewhere.map(([place]) => place)).toEqual([]);
  });

  it("runs no script when it is installed, but for those that are known", () => {
    const scripted = packages.filter(([, { hasInstallScript }]) => hasInstallScript);
    expect([...new Set(scripted.map(([place]) => nameOf(place)))].sort()).toEqual(WITH_SCRIPTS);
    // Each of them is decided about, too: what is new would run nothing.
    expect(Object.keys(manifest.allowScripts).sort()).toEqual(WITH_SCRIPTS);
    const atRun = scripted.filter(([, { dev }]) => !dev).map(([place]) => nameOf(place));
    const allowed = atRun.filter((name) =>
      Object.entries(manifest.allowScripts).some(([each, may]) => each === name && may),
    );
    expect(allowed).toEqual([]);
  });

  it.each(SINGLE)("is there once where two would not know each other: %s", (name) => {
    const places = packages.filter(([place, { dev }]) => nameOf(place) === name && !dev);
    expect(places.map(([place]) => place)).toEqual([`${PLACE}${name}`]);
  });
});
