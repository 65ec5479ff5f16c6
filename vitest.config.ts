import { defineConfig } from "vitest/config";

const inProject = (name: string, include: string[], timeoutMs: number) => ({
  test: {
    name,
    include,
    testTimeout: timeoutMs,
    hookTimeout: timeoutMs,
    restoreMocks: true,
    // What a test waits for comes in a while, however busy the machine is: no limit on its speed.
    expect: { poll: { timeout: timeoutMs / 2 } },
  },
});

/**
 * Six projects by how much of the world is real: `unit` and `architecture` touch no network,
 * `local` runs one part of the local stack, `conformance` drives a part with its real SDK,
 * `security` tries what attackers try, in process and on one stack, `e2e` drives the whole stack
 * through `npm start`'s own entry point on the built bundle.
 */
export default defineConfig({
  test: {
    maxWorkers: 3,
    projects: [
      inProject("unit", ["test/shared/**/*.test.ts", "test/functions/**/*.test.ts"], 60_000),
      inProject("architecture", ["test/architecture/**/*.test.ts"], 60_000),
      inProject("local", ["test/local/**/*.test.ts", "test/infra/**/*.test.ts"], 60_000),
      inProject("conformance", ["test/conformance/**/*.test.ts"], 180_000),
      inProject("security", ["test/security/**/*.test.ts"], 60_000),
      {
        test: {
          ...inProject("e2e", ["test/e2e/**/*.test.ts"], 180_000).test,
          setupFiles: ["test/roles/skip-single-app.ts"],
        },
      },
    ],
  },
});
