// Durable orchestrators report their state inside the message of what they throw.
const STATE_LABEL = "\n\n$OutOfProcData$:";

/** One line that names an error and where it came from. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return oneLine(String(error));
  const frame = error.stack?.split("\n").find((line) => line.trimStart().startsWith("at "));
  const message = orchestratorError(error.message) ?? error.message;
  return oneLine(`${error.name}: ${message}${frame ? ` (${frame.trim()})` : ""}`);
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
