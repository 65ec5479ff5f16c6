import type { DeadLetter } from "./dead-letters.ts";

/** Deals with a letter that is held: true when it is to go, false when it is to stay. */
export type Act = (letter: DeadLetter) => Promise<boolean>;

/** Where letters lie, and are held for a while by whoever receives them. */
export interface LetterBox<Held> {
  /** The most that are received at once. */
  readonly batch: number;
  /** None when there are no more that nobody else holds. */
  receive(atMost: number): Promise<readonly Held[]>;
  toLetter(held: Held): DeadLetter;
  remove(held: Held): Promise<unknown>;
  /** What cannot be given back comes back by itself. */
  giveBack(held: readonly Held[]): Promise<void>;
}

/** Holds letters from the first on, up to a number or to the one that is looked for. */
export async function holdLetters<Held>(
  box: LetterBox<Held>,
  atMost: number,
  isLast: (held: Held) => boolean = () => false,
): Promise<readonly Held[]> {
  const held: Held[] = [];
  while (held.length < atMost && !held.some(isLast)) {
    const received = await box.receive(Math.min(box.batch, atMost - held.length));
    if (received.length === 0) break;
    held.push(...received);
  }
  return held;
}

export interface Settling<Held> {
  readonly act: Act;
  /** Absent for all that are held. */
  readonly only?: Held;
}

/** Deals with what is held, one after another, and gives back what stays; returns how many are gone. */
export async function settleLetters<Held>(
  box: LetterBox<Held>,
  held: readonly Held[],
  { act, only }: Settling<Held>,
): Promise<number> {
  const staying = new Set(held);
  try {
    for (const each of only === undefined ? held : [only]) {
      if (!(await act(box.toLetter(each)))) continue;
      await box.remove(each);
      staying.delete(each);
    }
    return held.length - staying.size;
  } finally {
    await box.giveBack([...staying]);
  }
}
