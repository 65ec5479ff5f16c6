import { createReadStream } from "node:fs";
import { access, constants, stat } from "node:fs/promises";
import { StartError } from "../service.ts";
import { type NumberedLine, readLines } from "./read-lines.ts";
import { type Parsed, parseHeader, parseRow, type TraceRow } from "./trace-row.ts";

/** Opens a trace; a file that is not there is found now, a bad row when its turn comes. */
export async function openTrace(file: string): Promise<AsyncIterable<TraceRow>> {
  try {
    await access(file, constants.R_OK);
    if (!(await stat(file)).isFile()) throw new Error("not a file");
  } catch (cause) {
    const reason = cause instanceof Error && "code" in cause ? String(cause.code) : "not a file";
    throw new StartError(
      `The trace ${file} cannot be read (${reason}). Name a CSV file with --trace, or leave --trace out for a drawn one.`,
      { cause },
    );
  }
  return readTrace(createReadStream(file, { encoding: "utf8" }), file);
}

/** Reads a trace row by row. Fails at the first line that cannot be read, and names it. */
export async function* readTrace(
  chunks: AsyncIterable<string>,
  name: string,
): AsyncGenerator<TraceRow, void, undefined> {
  const lines = readLines(chunks, name);
  const first = await lines.next();
  if (first.done) throw new StartError(`The trace ${name} is empty.`);
  const columns = orFail(parseHeader(first.value.text), first.value, name);
  let newestAtMs = Number.NEGATIVE_INFINITY;
  for await (const line of lines) {
    if (line.text.trim() === "") continue;
    const row = orFail(parseRow(line.text, columns), line, name);
    if (row.atMs < newestAtMs) {
      throw new StartError(`${name}, line ${line.number}: earlier than the row before it.`);
    }
    newestAtMs = row.atMs;
    yield row;
  }
}

function orFail<Value>(parsed: Parsed<Value>, { number }: NumberedLine, name: string): Value {
  if (parsed.ok) return parsed.value;
  throw new StartError(`${name}, line ${number}: ${parsed.problem}.`);
}
