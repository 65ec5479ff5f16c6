import fc from "fast-check";

const MAX_ASCII = 0x7f;
const [BEFORE_SURROGATES, BEHIND_SURROGATES, LAST] = [0xd7ff, 0xe000, 0x10ffff];

/**
 * Any character of Unicode, half of them ASCII, as the `unit` of a string. fast-check's own `binary` makes
 * a table of them all first, which takes a test file two seconds.
 */
export const anyCharacter = fc
  .oneof(
    { weight: 2, arbitrary: fc.integer({ min: 0, max: MAX_ASCII }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: BEFORE_SURROGATES }) },
    { weight: 1, arbitrary: fc.integer({ min: BEHIND_SURROGATES, max: LAST }) },
  )
  .map((codePoint) => String.fromCodePoint(codePoint));
