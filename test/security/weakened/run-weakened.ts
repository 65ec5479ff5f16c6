import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createVitest, type TestModule, type TestProject, type Vitest } from "vitest/node";
import { makeWeakenedApp } from "./make-weakened-app.ts";
import { weakenTests } from "./weaken-plugin.ts";
import { type NamedTest, namedTest, ROOT, titlePattern, type Weakening } from "./weakening.ts";

/** What became of one test that a weakening should break. */
export interface Verdict {
  readonly weakening: string;
  readonly test: NamedTest;
  /** Undefined where it failed, as it should. */
  readonly problem: string | undefined;
}

/** The file whose tests start a stack of their own, on a bundle. */
const ON_A_STACK = "security/wire.test.ts";
/** The build that is not weakened: a test that fails on it, too, proves nothing. */
export const AS_IT_IS = "as it is";
const PARALLEL = 3;
const TIMEOUT_MS = 60_000;

interface Run {
  readonly name: string;
  readonly weakening: Weakening;
}

/** Runs the tests that each weakening names on a build that has it, and on one that has none. */
export async function runWeakened(
  weakenings: readonly Weakening[],
  onProgress: () => void,
): Promise<readonly Verdict[]> {
  const folder = mkdtempSync(join(tmpdir(), "gateway-weakened-"));
  const sound = {
    name: AS_IT_IS,
    edits: [],
    breaks: [...new Set(weakenings.flatMap(({ breaks }) => breaks))],
  };
  const runs = [sound, ...weakenings].map((weakening, index) => ({
    name: `build-${index}`,
    weakening,
  }));
  const vitest = await openVitest(runs, { folder, onProgress });
  try {
    const { testModules } = await vitest.runTestSpecifications(
      runs.flatMap((run) => specificationsOf(vitest, run)),
    );
    return runs.flatMap((run) => verdictsOn(run, testModules));
  } finally {
    await vitest.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function openVitest(
  runs: readonly Run[],
  { folder, onProgress }: { readonly folder: string; readonly onProgress: () => void },
): Promise<Vitest> {
  const projects = runs.map(async ({ name, weakening }) => {
    const { edits } = weakening;
    const isOnStack = testsOf(weakening).has(ON_A_STACK);
    const app = isOnStack ? await makeWeakenedApp(join(folder, name), edits) : {};
    return {
      root: ROOT,
      plugins: [weakenTests(edits)],
      test: {
        name,
        include: [...testsOf(weakening).keys()].map((file) => `test/${file}`),
        env: app,
        testTimeout: TIMEOUT_MS,
        hookTimeout: TIMEOUT_MS,
        restoreMocks: true,
      },
    };
  });
  return createVitest("test", {
    root: ROOT,
    config: false,
    watch: false,
    fsModuleCache: true,
    fsModuleCachePath: join(folder, "modules"),
    pool: "threads",
    reporters: [{ onTestModuleEnd: onProgress }],
    maxWorkers: PARALLEL,
    projects: await Promise.all(projects),
  });
}

/** The titles that a weakening breaks, by file. */
function testsOf({ breaks }: Weakening): ReadonlyMap<string, readonly string[]> {
  return Map.groupBy(breaks, (text) => namedTest(text).file) as ReadonlyMap<
    string,
    readonly string[]
  >;
}

function specificationsOf(vitest: Vitest, { name, weakening }: Run) {
  const project = vitest.projects.find((each: TestProject) => each.name === name);
  if (!project) throw new Error(`There is no project ${name}.`);
  return [...testsOf(weakening)].map(([file, texts]) => {
    const patterns = texts.map((text) => titlePattern(namedTest(text).title).source);
    const testNamePattern = new RegExp(patterns.map((source) => `(?:${source})`).join("|"), "s");
    return project.createSpecification(join(ROOT, "test", file), { testNamePattern });
  });
}

function verdictsOn(run: Run, modules: readonly TestModule[]): Verdict[] {
  return run.weakening.breaks.map((text) => {
    const test = namedTest(text);
    const found = modules.find(
      ({ project, moduleId }) =>
        project.name === run.name && moduleId === join(ROOT, "test", test.file),
    );
    return { weakening: run.weakening.name, test, problem: problemOf(run, test, found) };
  });
}

/** A test that cannot be loaded has noticed nothing: it must run, and fail. */
function problemOf(
  { weakening }: Run,
  { title }: NamedTest,
  module: TestModule | undefined,
): string | undefined {
  const errors = module?.errors() ?? [];
  if (!module || errors.length > 0) return `cannot run: ${errors[0]?.message ?? "not found"}`;
  const pattern = titlePattern(title);
  const tests = [...module.children.allTests()].filter(({ fullName }) =>
    pattern.test(fullName.replaceAll(" > ", " ")),
  );
  const states = tests.map((test) => test.result().state);
  if (!states.some((state) => state === "passed" || state === "failed")) return "does not run";
  if (weakening.name === AS_IT_IS) return states.includes("failed") ? "fails as it is" : undefined;
  return states.includes("failed") ? undefined : "notices nothing";
}
