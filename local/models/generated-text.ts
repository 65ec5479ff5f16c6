import { type SeededRandom, seededRandom } from "./seeded-random.ts";

/** OpenAI's rule of thumb: English text has about four characters a token. */
const CHARACTERS_PER_TOKEN = 4;

const WORDS =
  "a able about after all also and any are as at back be because been before best both but by call can clear close come could day deep did do done down each early end even every far few find first follow for form found free from full get give go good great had half hand has have he help her here high him his hold home how idea if in into is it its just keep kind know large last late lead learn left less let life light like line little live long look made make many may me mean might mind more most much must name near need new next night no not now of off often old on once one only open or order other our out over own part path people place plan point put quite read real rest right room run said same saw say see seem set she short should show side sign simple since small so some soon sort stand start state step still stop such sure take talk tell than that the their them then there these they thing think this those three time to too top true try turn two under up us use very view walk want was watch way we well went were what when where which while who why will wish with word work world would write year yes yet you young your".split(
    " ",
  );

const WORDS_PER_SENTENCE = 12;

/** About how many tokens a model would count in this text. */
export function estimateTokens(text: string): number {
  return Math.ceil(text.length / CHARACTERS_PER_TOKEN);
}

/** The tokens of one answer: `count` words, always the same for one seed text. */
export function* generateTokens(seedText: string, count: number): Generator<string> {
  const random = seededRandom(seedText);
  for (let index = 0; index < count; index++) yield tokenAt(index, random);
}

function tokenAt(index: number, random: SeededRandom): string {
  const word = WORDS[Math.floor(random() * WORDS.length)] ?? "";
  const place = index % WORDS_PER_SENTENCE;
  const start = place === 0 ? word.charAt(0).toUpperCase() + word.slice(1) : word;
  const end = place === WORDS_PER_SENTENCE - 1 ? "." : "";
  return `${index === 0 ? "" : " "}${start}${end}`;
}
