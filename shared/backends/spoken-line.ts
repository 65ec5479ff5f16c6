import { Stretch } from "./stretch.ts";

/** What was said one after the other, in stretches of channels. Scope: one answer. */
export class SpokenLine {
  readonly #stretches: Stretch[] = [];

  get stretches(): readonly Stretch[] {
    return this.#stretches;
  }

  say(channel: string, text: string): void {
    if (text === "") return;
    const last = this.#stretches.at(-1);
    const stretch = last?.channel === channel ? last : new Stretch(channel);
    stretch.append(text);
    if (stretch !== last) this.#stretches.push(stretch);
  }
}
