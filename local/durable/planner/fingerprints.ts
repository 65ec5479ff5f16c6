import { createHash } from "node:crypto";
import { type Action, describeAction } from "./actions.ts";

// A fan-out of a thousand activities would otherwise repeat a thousand names in the history.
const MAX_FINGERPRINT_CHARS = 160;

/**
 * What must be the same each time the orchestrator is replayed: types, names and shape, but neither
 * inputs nor fire times. Long ones are cut and end in a digest of the whole.
 */
export function fingerprint(action: Action): string {
  const text = describeAction(action);
  if (text.length <= MAX_FINGERPRINT_CHARS) return text;
  const digest = createHash("sha1").update(text).digest("hex").slice(0, 16);
  return `${text.slice(0, MAX_FINGERPRINT_CHARS)}... #${digest}`;
}

/** Says in words where the actions contradict those recorded, or nothing when they agree. */
export function contradiction(
  recorded: readonly string[],
  actions: readonly Action[],
): string | undefined {
  for (const [index, before] of recorded.entries()) {
    const action = actions[index];
    const now = action ? fingerprint(action) : "nothing";
    if (now !== before) {
      return (
        `Non-deterministic orchestrator: its history says that action ${index + 1} was ` +
        `"${before}", but this replay asked for "${now}".`
      );
    }
  }
  return undefined;
}
