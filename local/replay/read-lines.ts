import { StartError } from "../service.ts";

/** One line of a text and its number, counted from 1. */
export interface NumberedLine {
  readonly number: number;
  readonly text: string;
}

// Many times a row of any trace: a file without line ends is no trace and must not fill the memory.
const MAX_LINE_CHARACTERS = 4096;

/** Cuts a text that comes in chunks into lines, holding no more than one of them. */
export async function* readLines(
  chunks: AsyncIterable<string>,
  name: string,
): AsyncGenerator<NumberedLine, void, undefined> {
  let rest = "";
  let number = 0;
  const check = (line: string): void => {
    if (line.length <= MAX_LINE_CHARACTERS) return;
    throw new StartError(
      `${name}, line ${number + 1}: longer than ${MAX_LINE_CHARACTERS} characters; this is no trace.`,
    );
  };
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      check(line);
      number += 1;
      yield { number, text: line.replace(/\r$/, "") };
    }
    check(rest);
  }
  if (rest !== "") yield { number: number + 1, text: rest };
}
