/** A test whose meaning is one host, and why. */
export interface SingleApp {
  readonly file: string;
  /** The test's own name; every test of the file where there is none. */
  readonly test?: string;
  readonly reason: string;
}

/** What `npm run test:roles` leaves out. */
export const SINGLE_APP: readonly SingleApp[] = [
  {
    file: "test/e2e/chaos.test.ts",
    reason: "It kills the one host, at the one port. roles.test.ts kills one of two.",
  },
  {
    file: "test/e2e/fair-share.test.ts",
    reason: "It needs one slot in all. roles.test.ts tries fair share at two hosts.",
  },
  {
    file: "test/e2e/last-delivery.test.ts",
    reason: "It kills the one host that holds both messages. roles.test.ts kills one of two.",
  },
  {
    file: "test/e2e/start-and-stop.test.ts",
    test: "names a corrupt database of the host",
    reason: "It looks into the folder of the one host.",
  },
  {
    file: "test/e2e/telemetry.test.ts",
    test: "come to the collector",
    reason: "It counts the metrics of one process.",
  },
];

/** Why a test is left out; undefined when it is not. */
export function reasonToSkip(file: string, test: string): string | undefined {
  return SINGLE_APP.find(
    (known) => known.file === file && (known.test === undefined || known.test === test),
  )?.reason;
}
