// Durable orchestrators report their state inside the message of what they throw.
const STATE_LABEL = "\n\n$OutOfProcData$:";

/** One line that names an error and where it came from. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return oneLine(String(error));
  const frame = error.stack?.split("\n").find((line) => line.trimStart().startsWith("at "));
  const message = orchestratorError(error.message) ?? error.message;
  return oneLine(`${error.name}: ${message}${frame ? ` (${frame.trim()})` : ""}`);
}

const ABORT_CODES = new Set(["ABORT_ERR", "ECONNRESET", "ERR_STREAM_PREMATURE_CLOSE"]);

/** Whether an error says that work was given up, rather than that it went wrong. */
export function isAbort(error: unknown): boolean {
  const { name = "", code = "" } = Object(error) as { name?: string; code?: string };
  return name === "AbortError" || ABORT_CODES.has(code);
}

function orchestratorError(message: string): string | undefined {
  const at = message.indexOf(STATE_LABEL);
  if (at < 0) return undefined;
  try {
    return String(JSON.parse(message.slice(at + STATE_LABEL.length)).error);
  } catch {
    return undefined;
  }
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, " | ");
}
