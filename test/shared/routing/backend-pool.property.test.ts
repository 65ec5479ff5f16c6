import fc from "fast-check";
import { expect, it } from "vitest";
import { BackendState, type BackendTurn } from "../../../shared/routing/backend-state.ts";
import { BackendPool, type CallOutcome, type RouteQuery } from "../../../shared/routing/index.ts";
import { RestLine } from "../../../shared/routing/rest-line.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { settingsWith } from "../../support/settings.ts";

const PLACES = ["a.test", "b.test", "c.test"];
const QUERY: RouteQuery = {
  priority: 2,
  receivedAt: 0,
  expiresAt: Number.POSITIVE_INFINITY,
  tried: new Map(),
  isRetry: false,
};

const OUTCOMES: readonly CallOutcome[] = [
  { verdict: { kind: "answered" }, firstByteMs: 40 },
  { verdict: { kind: "failed" }, firstByteMs: 5 },
  { verdict: { kind: "throttled", waitMs: 3000 }, firstByteMs: 5 },
  { verdict: { kind: "refused" }, firstByteMs: 5 },
  { failure: "broken" },
  { failure: "timed-out", waitedMs: 500, limitMs: 500 },
  { failure: "cancelled" },
];

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ call: fc.nat(2), isRetry: fc.boolean() }) },
  { weight: 6, arbitrary: fc.record({ settle: fc.nat(20), how: fc.constantFrom(...OUTCOMES) }) },
  { weight: 1, arbitrary: fc.record({ breakOff: fc.nat(20) }) },
  { weight: 4, arbitrary: fc.record({ release: fc.nat(20) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      hosts: fc
        .shuffledSubarray(PLACES, { minLength: 1 })
        .chain((places) =>
          fc.tuple(
            ...places.map((place) => fc.record({ place: fc.constant(place), most: fc.nat(3) })),
          ),
        ),
    }),
  },
  { weight: 2, arbitrary: fc.record({ passMs: fc.nat(5000) }) },
);

const settingsOf = (hosts: readonly { place: string; most: number }[]) =>
  settingsWith({
    CBErrorThreshold: "3",
    CBTimeslice: "10",
    ...Object.fromEntries(
      hosts.map(({ place, most }, n) => [
        `Host${n + 1}`,
        `host=http://${place}${most > 0 ? `;maxconcurrency=${most}` : ""}`,
      ]),
    ),
  });

/** What is remembered of a backend, without what its settings say of it. */
function memoryOf(state: BackendState, nowMs: number) {
  const { key: _, host, turn, nextInLine, ...memory } = state.view(nowMs);
  return memory;
}

/** A pool that is reloaded at will, and beside it what is known of each place by someone who never is. */
function open() {
  const clock = new FakeClock();
  const first = settingsOf(PLACES.map((place) => ({ place, most: 0 })));
  const pool = new BackendPool({ settings: first, clock, random: () => 0.5 });
  const shadows = new Map(
    first.hosts.map((host) => [
      host.origin,
      new BackendState(host, first.routing, { line: new RestLine(host.id, clock) }),
    ]),
  );
  const calls: { readonly real: BackendTurn; readonly shadow: BackendTurn }[] = [];
  const call = (origin: string, isRetry: boolean): void => {
    const selection = pool.select("/", QUERY);
    const candidates = selection?.candidates.filter(({ host }) => host.origin === origin) ?? [];
    const real = selection && pool.begin({ ...selection, candidates }, isRetry);
    const shadow = real && shadows.get(origin)?.begin(clock.now(), isRetry);
    if (real && shadow) calls.push({ real, shadow });
  };
  const both = (at: number, act: (turn: BackendTurn) => void): void => {
    const known = calls[at % Math.max(1, calls.length)];
    if (known) for (const turn of [known.real, known.shadow]) act(turn);
  };
  return { clock, pool, shadows, call, both };
}

it("remembers of every backend what it would without any reload, wherever its calls and its number are", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const { clock, pool, shadows, call, both } = open();
      for (const next of steps) {
        const nowMs = clock.now();
        if ("call" in next) call(`http://${PLACES[next.call]}`, next.isRetry);
        if ("settle" in next) both(next.settle, (turn) => turn.settle(next.how, nowMs));
        if ("breakOff" in next) both(next.breakOff, (turn) => turn.broke(nowMs));
        if ("release" in next) both(next.release, (turn) => turn.release());
        if ("hosts" in next) pool.useSettings(settingsOf(next.hosts));
        if ("passMs" in next) await clock.advance(next.passMs);
        for (const state of pool.backends) {
          const shadow = shadows.get(state.host.origin);
          expect(shadow && memoryOf(shadow, clock.now())).toEqual(memoryOf(state, clock.now()));
          expect(state.key).toContain(`${state.host.id} `);
        }
      }
    }),
    { numRuns: 300 },
  );
});
