import type { BackendAnswer } from "../backends/index.ts";
import type { Clock } from "../core/clock.ts";
import type { BackendTurn } from "../routing/index.ts";

/**
 * The answer with its backend's place held until the last byte, the first error, or its discard. One that
 * is here as a whole holds none.
 */
export function holdingPlace(
  answer: BackendAnswer,
  turn: BackendTurn,
  clock: Clock,
): BackendAnswer {
  if (answer.whole) {
    turn.release();
    return answer;
  }
  let isGivenUp = false;
  const onBroken = (): void => {
    // Whoever gives an answer up breaks it; that is not its backend's doing.
    if (!isGivenUp) turn.broke(clock.now());
    turn.release();
  };
  return {
    ...answer,
    body: {
      [Symbol.asyncIterator]: () =>
        releasing(answer.body[Symbol.asyncIterator](), { turn, onBroken }),
    },
    discard() {
      isGivenUp = true;
      turn.release();
      answer.discard();
    },
  };
}

// Not a generator: each piece of a stream passes here, and a generator would await it twice.
function releasing(
  pieces: AsyncIterator<Uint8Array>,
  { turn, onBroken }: { turn: BackendTurn; onBroken: () => void },
): AsyncIterator<Uint8Array> {
  const broken = (error: unknown): never => {
    onBroken();
    throw error;
  };
  const passed = (piece: IteratorResult<Uint8Array>): IteratorResult<Uint8Array> => {
    if (piece.done) turn.release();
    return piece;
  };
  return {
    next: () => pieces.next().then(passed, broken),
    return: async () => {
      turn.release();
      await pieces.return?.();
      return { done: true, value: undefined };
    },
  };
}
