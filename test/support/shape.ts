/**
 * In which shape the stacks of the tests run: everything in one host, or, where this names a folder of
 * unpacked packages, the stream app and two instances of the jobs app side by side.
 */
const PACKAGES = process.env["TEST_PACKAGES"];

/** Whether stacks have the stream app and two instances of the jobs app. */
export const IN_ROLES = Boolean(PACKAGES);

const JOBS_INSTANCES = IN_ROLES ? 2 : 1;

/** The unpacked packages of the apps that a stack runs; undefined where one host does everything. */
export function packagesUnderTest(env: Readonly<Record<string, string>>): string | undefined {
  // A stack whose test says itself which hosts it has.
  const isGiven = env["LOCAL_ROLES"] !== undefined || env["LOCAL_HOST"] !== undefined;
  return isGiven ? undefined : PACKAGES || undefined;
}

/** `Workers` of each host, so that all who work on lanes have so many slots together. */
export const workersEach = (slots: number): string => String(slots / JOBS_INSTANCES);
