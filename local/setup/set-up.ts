import { StartError } from "../service.ts";
import type { Place } from "./places.ts";
import type { Question } from "./questions.ts";

/**
 * Asks one question, again where the answer before had a problem; resolves with an empty text when
 * nothing is answered.
 */
export type Ask = (
  question: Question,
  current: string | undefined,
  problem: string | undefined,
) => Promise<string>;

/** How answers come: given beforehand, or asked for. */
export interface SetUpOptions {
  readonly given: ReadonlyMap<string, string>;
  /** Absent where nobody is there to answer. */
  readonly ask?: Ask | undefined;
}

/**
 * Fills a place with answers: those given, then those asked for, then what was set already, then the
 * defaults. Returns what to print: names and places, and never a value.
 */
export async function setUp(place: Place, { given, ask }: SetUpOptions): Promise<string[]> {
  const names = new Set(place.questions.map(({ name }) => name));
  const unknown = [...given.keys()].filter((name) => !names.has(name));
  if (unknown.length > 0) {
    throw new StartError(`${unknown.join(", ")}: not known; there are ${[...names].join(", ")}.`);
  }
  const answers = new Map<string, string>();
  const report: string[] = [];
  for (const question of place.questions) {
    const { name } = question;
    const known = place.known(name);
    const isAsked = question.text !== undefined && (question.isAsked?.(answers) ?? true);
    const answer = await answerTo(question, {
      given: given.get(name),
      known,
      ask: isAsked ? ask : undefined,
    });
    if (answer === undefined) continue;
    answers.set(name, answer);
    report.push(`${name}: ${answer === known ? "kept" : "set"}`);
  }
  const { files, made } = place.keep(answers);
  return [
    ...report,
    ...made.map((name) => `${name}: made anew`),
    ...files.map((file) => `written: ${file}`),
  ];
}

async function answerTo(
  question: Question,
  {
    given,
    known,
    ask,
  }: { given: string | undefined; known: string | undefined; ask?: Ask | undefined },
): Promise<string | undefined> {
  const { name, fallback, check, isRequired = false } = question;
  let problem: string | undefined;
  for (;;) {
    const asked = given === undefined && ask ? await ask(question, known, problem) : "";
    const answer = given ?? (asked === "" ? (known ?? fallback) : asked);
    const missing = isRequired ? "must be answered" : undefined;
    problem = answer === undefined ? missing : check?.(answer);
    if (problem === undefined) return answer;
    // Where somebody is there, it is asked again.
    if (given !== undefined || !ask) throw new StartError(`${name}: ${problem}.`);
  }
}
