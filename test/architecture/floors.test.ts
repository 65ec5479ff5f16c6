import { describe, expect, it } from "vitest";
import { FLOORS, type Floor, GATEWAY_FLOORS, ORCHESTRATOR_IMPORTS } from "./floors.ts";
import { importsOf, sourceFiles, sourceText } from "./imports.ts";

const files = ["shared", "functions", "local", "test"].flatMap(sourceFiles);

const isWithin = (path: string, prefix: string): boolean =>
  path === prefix || path.startsWith(`${prefix}/`);

const isOwnFile = (target: string): boolean => target.endsWith(".ts") || target.endsWith(".json");

function floorOf(file: string): Floor | undefined {
  return FLOORS.filter((floor) => isWithin(file, floor.room)).sort(
    (a, b) => b.room.length - a.room.length,
  )[0];
}

function violations(file: string): string[] {
  const floor = floorOf(file);
  if (!floor) return [`${file} belongs to no room`];
  return importsOf(file)
    .filter((target) => {
      if (target.startsWith("node:")) return false;
      if (!isOwnFile(target)) return !floor.packages.includes(target);
      return ![floor.room, ...floor.rooms].some((room) => isWithin(target, room));
    })
    .map((target) => `${file} imports ${target}`);
}

/** The room that a file of the domain belongs to: rooms may have folders inside. */
const roomOf = (path: string): string => path.split("/").slice(0, 2).join("/");

const isDoor = (path: string): boolean => path === `${roomOf(path)}/index.ts`;

const GATEWAY = "shared/gateway";
const CONTRACT = `${GATEWAY}/services.ts`;

/** Counted from the ground; what stands on no floor has none that compares with another. */
function gatewayFloorOf(file: string): number {
  const floor = GATEWAY_FLOORS.findIndex((places) =>
    places.some((place) => isWithin(file, `${GATEWAY}/${place}`)),
  );
  return floor < 0 ? Number.NaN : floor;
}

describe("the floors of the house", () => {
  it("lets every import go down only", () => {
    expect(files.flatMap(violations)).toEqual([]);
  });

  it("enters every room of the domain by its door", () => {
    const offences = files
      .filter((file) => /^(shared|functions)\//.test(file))
      .flatMap((file) =>
        importsOf(file)
          .filter((target) => /^shared\/(?!core\/)/.test(target))
          .filter((target) => roomOf(target) !== roomOf(file) && !isDoor(target))
          .map((target) => `${file} imports ${target}`),
      );
    expect(offences).toEqual([]);
  });

  it("has floors within the gateway, too", () => {
    const offences = files
      .filter((file) => isWithin(file, GATEWAY) && file !== CONTRACT)
      .flatMap((file) =>
        importsOf(file)
          .filter((target) => isWithin(target, GATEWAY) && target !== CONTRACT)
          .filter((target) => !(gatewayFloorOf(target) <= gatewayFloorOf(file)))
          .map((target) => `${file} imports ${target}`),
      );
    expect(offences).toEqual([]);
  });

  it("lets the gateway's contract name what it does not run", () => {
    expect(sourceText(CONTRACT).match(/^(?:import|export) (?!type |interface ).*/gm)).toBeNull();
  });

  it("fences orchestrators off from everything that is not deterministic", () => {
    const offences = files
      .filter((file) => file.endsWith(".orchestrator.ts"))
      .flatMap((file) =>
        importsOf(file)
          // Another orchestrator stands behind the same fence.
          .filter((target) => !target.endsWith(".orchestrator.ts"))
          .filter((target) => !ORCHESTRATOR_IMPORTS.some((allowed) => isWithin(target, allowed)))
          .map((target) => `${file} imports ${target}`),
      );
    expect(offences).toEqual([]);
  });

  it("reads process.env only in shared/config within the product", () => {
    const offences = files.filter(
      (file) => /^(shared|functions)\//.test(file) && !file.startsWith("shared/config/"),
    );
    expect(offences.filter(readsEnvironment)).toEqual([]);
  });
});

function readsEnvironment(file: string): boolean {
  return sourceText(file).includes("process.env");
}
