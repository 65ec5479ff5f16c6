import type { FailureDetails } from "../failure-details.ts";
import { type Action, ActionType, encodedInput } from "./actions.ts";

/** What the orchestrator function came back with. */
export interface OrchestratorAnswer {
  actions: Action[];
  /** JSON text; absent when the orchestrator set none. */
  customStatus?: string;
  end:
    | { type: "none" }
    | { type: "completed"; output: string }
    | { type: "continuedAsNew"; input: string | null }
    | { type: "failed"; error: string; details?: FailureDetails };
}

interface OrchestratorState {
  isDone?: boolean;
  actions?: Action[][];
  output?: unknown;
  error?: string;
  failureDetails?: FailureDetails;
  customStatus?: unknown;
}

const STATE_LABEL = "\n\n$OutOfProcData$:";

/** Reads the state that an orchestrator returned. */
export function readAnswer(stateText: string): OrchestratorAnswer {
  const state = JSON.parse(stateText) as OrchestratorState;
  const actions = (state.actions ?? []).flat();
  return { actions, ...customStatusOf(state), end: endOf(state, actions) };
}

/** Reads the state that an orchestrator's error carries; an error without one fails the instance. */
export function readFailure(error: unknown): OrchestratorAnswer {
  const message = error instanceof Error ? error.message : String(error);
  const labelAt = message.indexOf(STATE_LABEL);
  const state = labelAt < 0 ? undefined : parseState(message.slice(labelAt + STATE_LABEL.length));
  if (!state) return { actions: [], end: { type: "failed", error: message } };
  return {
    actions: (state.actions ?? []).flat(),
    ...customStatusOf(state),
    end: failedEnd(state),
  };
}

function endOf(state: OrchestratorState, actions: Action[]): OrchestratorAnswer["end"] {
  if (state.error !== undefined) return failedEnd(state);
  if (!state.isDone) return { type: "none" };
  const last = actions.at(-1);
  if (last?.actionType === ActionType.ContinueAsNew) {
    return { type: "continuedAsNew", input: encodedInput(last.input) ?? null };
  }
  return { type: "completed", output: JSON.stringify(state.output ?? null) };
}

function failedEnd({ error = "unknown error", failureDetails }: OrchestratorState) {
  return { type: "failed", error, ...(failureDetails && { details: failureDetails }) } as const;
}

function customStatusOf({ customStatus }: OrchestratorState): { customStatus?: string } {
  return customStatus === undefined ? {} : { customStatus: JSON.stringify(customStatus) };
}

function parseState(text: string): OrchestratorState | undefined {
  try {
    return JSON.parse(text) as OrchestratorState;
  } catch {
    return undefined;
  }
}
