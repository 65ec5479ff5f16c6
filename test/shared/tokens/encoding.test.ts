import { countTokens as countInOlder } from "gpt-tokenizer/encoding/cl100k_base";
import { countTokens as countInNewer } from "gpt-tokenizer/encoding/o200k_base";
import { describe, expect, it } from "vitest";
import { encodingNamed } from "../../../shared/tokens/encoding.ts";

const AS_TEXT = { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() };
const LIBRARY = { o200k_base: countInNewer, cl100k_base: countInOlder } as const;
const NAMES = ["o200k_base", "cl100k_base"] as const;

// https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken
const PUBLISHED = [
  ["antidisestablishmentarianism", 6, 6],
  ["2 + 2 = 4", 7, 7],
  ["お誕生日おめでとう", 8, 9],
] as const;

const TEXTS = [
  "",
  " ",
  "\n\n\t  \r\n",
  "Hello world, it's 12345 o'clock!! They'LL see.",
  "Привет, мир. Ελληνικά, 你好世界，日本語のテキスト, हिन्दी, العربية",
  "👩‍👩‍👧‍👦🏳️‍🌈 é = e\u0301 \ufffd",
  "a lone \ud800 surrogate \udc00",
  "<|endoftext|><|im_start|>system<|fim_prefix|>",
  "const f = async (x?: number): Promise<void> => { await g(x ?? 0); };\n".repeat(20),
  "x".repeat(3000),
  "ÄÖÜß".repeat(500),
];

/** Characters of all planes but the byte order mark, which the library loses; seeded, so that a failure can be seen again. */
function noise(seed: number): string {
  let state = seed;
  const next = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state % below;
  };
  const highest = [0x7f, 0xff, 0x2fff, 0xfefe, 0x10_ffff];
  return String.fromCodePoint(
    ...Array.from({ length: 400 }, () => next((highest[next(highest.length)] ?? 0) + 1)),
  );
}

describe.each(NAMES)("the encoding %s", (name) => {
  const encoding = encodingNamed(name);

  it("counts what its makers published", () => {
    const counts = PUBLISHED.map(([text]) => encoding.count(text));
    expect(counts).toEqual(
      PUBLISHED.map(([, newer, older]) => (name === "o200k_base" ? newer : older)),
    );
  });

  it("counts every text as the library of the same tables does", () => {
    const texts = [...TEXTS, ...Array.from({ length: 100 }, (_, seed) => noise(seed))];
    const differing = texts.filter((text) => encoding.count(text) !== LIBRARY[name](text, AS_TEXT));
    expect(differing).toEqual([]);
  });
});
