import type { BackendAnswer } from "../../backends/index.ts";
import { AsyncSource } from "../../core/async-source.ts";
import type { Clock } from "../../core/clock.ts";
import type { EventPiece } from "../../core/event-bytes.ts";
import type { BackendTurn } from "../../routing/index.ts";
import type { AnswerWatch } from "./answer-watch.ts";

interface Holding {
  readonly turn: BackendTurn;
  readonly clock: Clock;
  /** Who reads along, where somebody does. */
  readonly watch?: AnswerWatch | undefined;
}

/**
 * The answer with its backend's place held until the last byte, the first error, or its discard. One that
 * is here as a whole holds none.
 */
export function holdingPlace(answer: BackendAnswer, holding: Holding): BackendAnswer {
  const { turn, clock, watch } = holding;
  if (answer.whole) {
    watch?.read(answer.whole);
    watch?.ended("whole");
    turn.release();
    return answer;
  }
  let isGivenUp = false;
  const onBroken = (): void => {
    watch?.ended(isGivenUp ? "left" : "broken");
    // Whoever gives an answer up breaks it; that is not its backend's doing.
    if (!isGivenUp) turn.broke(clock.now());
    turn.release();
  };
  return {
    ...answer,
    body: new AsyncSource(() =>
      releasing(answer.body[Symbol.asyncIterator](), { turn, watch, onBroken }),
    ),
    discard() {
      isGivenUp = true;
      watch?.ended("left");
      turn.release();
      answer.discard();
    },
  };
}

const NOTHING = new Uint8Array(0);

// Not a generator: each piece of a stream passes here, and a generator would await it twice.
function releasing(
  pieces: AsyncIterator<Uint8Array>,
  { turn, watch, onBroken }: Pick<Holding, "turn" | "watch"> & { onBroken: () => void },
): AsyncIterator<Uint8Array> {
  const broken = (error: unknown): never => {
    onBroken();
    throw error;
  };
  const passed = (piece: EventPiece): EventPiece => {
    if (!piece.done || piece.events) watch?.read(piece.value ?? NOTHING, piece.events);
    if (piece.done) {
      watch?.ended("whole");
      turn.release();
    }
    return piece;
  };
  return {
    next: () => pieces.next().then(passed, broken),
    return: async () => {
      watch?.ended("left");
      turn.release();
      await pieces.return?.();
      return { done: true, value: undefined };
    },
  };
}
