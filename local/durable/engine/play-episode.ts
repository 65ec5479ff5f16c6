import { entityIdOf } from "../entity-id.ts";
import type { Command } from "../planner/commands.ts";
import {
  type OrchestratorAnswer,
  readAnswer,
  readFailure,
} from "../planner/orchestrator-answer.ts";
import { type Plan, plan } from "../planner/plan.ts";
import type { InstanceRow } from "../store/instance-table.ts";
import type { EngineContext } from "./engine-context.ts";
import type { Execution } from "./execution-cache.ts";
import { missingFunction, registeredName } from "./function-names.ts";
import type { Letter } from "./mail.ts";
import { orchestrationTrigger } from "./orchestration-trigger.ts";

/** An episode about to be played. */
export interface EpisodeInput {
  row: InstanceRow;
  execution: Execution;
  letters: readonly Letter[];
  nowMs: number;
}

/** An episode that was played and not yet written. */
export interface PlayedEpisode {
  /** What the orchestrator was given in the end: all of the input's letters, or the first of them. */
  letters: readonly Letter[];
  answer: OrchestratorAnswer;
  planned: Omit<Extract<Plan, { outcome: "planned" }>, "outcome">;
}

/** Runs the orchestrator, again with fewer letters while the planner finds its answer ambiguous. */
export async function playEpisode(
  context: EngineContext,
  input: EpisodeInput,
): Promise<PlayedEpisode> {
  const { letters, nowMs } = input;
  const { ledger } = input.execution;
  const answer = await invoke(context, input);
  const events = letters.map(({ event }) => event);
  const result = plan({ ledger, events, actions: answer.actions, nowMs });
  if (result.outcome === "ambiguous") {
    return playEpisode(context, { ...input, letters: letters.slice(0, result.eventsToDeliver) });
  }
  const reason = result.outcome === "refused" ? result.reason : missing(context, result.commands);
  if (result.outcome === "planned" && reason === undefined) {
    return { letters, answer, planned: result };
  }
  const error = answer.end.type === "failed" ? answer.end.error : (reason ?? "");
  return {
    letters,
    answer: { ...answer, end: { type: "failed", error } },
    planned: { commands: [], cancelledTimerIds: [], fingerprints: [], nextId: ledger.nextId },
  };
}

async function invoke(
  { functions }: EngineContext,
  { row, execution, letters, nowMs }: EpisodeInput,
): Promise<OrchestratorAnswer> {
  const name = registeredName(functions.orchestrators, row.name);
  if (name === undefined) return readFailure(missingFunction(row.name, "orchestrator"));
  const events = letters.map(({ event }) => event);
  const { historyText } = execution;
  const trigger = orchestrationTrigger({ row, historyText, events, nowMs });
  try {
    return readAnswer(await functions.invokeOrchestrator(name, trigger));
  } catch (error) {
    return readFailure(error);
  }
}

function missing({ functions }: EngineContext, commands: readonly Command[]): string | undefined {
  for (const command of commands) {
    if (command.type === "activity" && !registeredName(functions.activities, command.name)) {
      return missingFunction(command.name, "activity");
    }
    if (
      command.type === "subOrchestration" &&
      !registeredName(functions.orchestrators, command.name)
    ) {
      return missingFunction(command.name, "orchestrator");
    }
    if (command.type === "callEntity" || command.type === "signalEntity") {
      const { name } = entityIdOf(command.target);
      if (!registeredName(functions.entities, name)) return missingFunction(name, "entity");
    }
  }
  return undefined;
}
