// What most models' tokens come to in English text; the simulated endpoints count the same way.
const CHARACTERS_PER_TOKEN = 4;
const SENTENCE = "The river runs past the old mill, and nobody counts the boats that go by. ";
// Room for every prompt of the public conversation trace: longer ones are made when they come.
const SHARED = SENTENCE.repeat(Math.ceil(65_536 / SENTENCE.length));

/** A prompt of about so many tokens. Its text is a slice of one shared string, so it costs next to nothing. */
export function promptOf(tokens: number): string {
  const characters = Math.max(1, tokens) * CHARACTERS_PER_TOKEN;
  const source =
    characters <= SHARED.length ? SHARED : SHARED.repeat(Math.ceil(characters / SHARED.length));
  return source.slice(0, characters);
}
