import type { HistoryEvent } from "../history-events.ts";
import { EventType } from "../history-events.ts";
import { type Action, actionAt } from "./actions.ts";
import type { Command } from "./commands.ts";
import { continuation } from "./continued-tasks.ts";
import { contradiction, fingerprint } from "./fingerprints.ts";
import type { Ledger } from "./ledger.ts";
import { commandsForNewActions } from "./new-actions.ts";

/** The engine's own bound is the platform's default `maxOrchestrationActions`. */
const MAX_ORCHESTRATION_ACTIONS = 100_000;

/** One episode as the planner sees it: what was known, what arrived, what came back. */
export interface Episode {
  ledger: Ledger;
  /** What the orchestrator was given in this episode, in order. */
  events: readonly HistoryEvent[];
  /** The full action list since the start of the execution. */
  actions: readonly Action[];
  /** Timestamp of this episode's OrchestratorStarted. */
  nowMs: number;
}

/** What an episode amounts to. */
export type Plan =
  | {
      outcome: "planned";
      commands: Command[];
      cancelledTimerIds: number[];
      /** Fingerprints of the actions that this episode added. */
      fingerprints: string[];
      nextId: number;
    }
  /** The ids cannot be told from the answer: run the episode again with fewer events. */
  | { outcome: "ambiguous"; eventsToDeliver: number }
  | { outcome: "refused"; reason: string };

/**
 * Mirrors the SDK's counter of task ids. Ids are taken in two ways: by actions the orchestrator asks
 * for, in the order of the action list, and by the SDK itself when a task with retries or a polled
 * HTTP call goes on, in the order of the events. When one episode holds both, the action list does
 * not say how they interleave; such an episode is run again with fewer events until it does. An
 * orchestrator has no effects of its own, so running it once more is free.
 */
export function plan(episode: Episode): Plan {
  const { ledger, actions } = episode;
  const reason = refusalOf(episode);
  if (reason !== undefined) return { outcome: "refused", reason };
  const continued = continuedCommands(episode);
  const added = commandsForNewActions(actions, ledger.fingerprints.length, continued.nextId);
  if ("refusal" in added) return { outcome: "refused", reason: added.refusal };
  if (continued.nextId > ledger.nextId && added.commands.length > 0 && episode.events.length > 1) {
    return { outcome: "ambiguous", eventsToDeliver: Math.max(1, continued.firstIndex) };
  }
  return {
    outcome: "planned",
    commands: [...continued.commands, ...added.commands],
    cancelledTimerIds: cancelledTimerIds(episode),
    fingerprints: actions.slice(ledger.fingerprints.length).map(fingerprint),
    nextId: continued.nextId + added.commands.length,
  };
}

function refusalOf({ ledger, actions }: Episode): string | undefined {
  if (actions.length > MAX_ORCHESTRATION_ACTIONS) {
    return `The orchestrator asked for more than ${MAX_ORCHESTRATION_ACTIONS} actions in one execution. Use continueAsNew.`;
  }
  return contradiction(ledger.fingerprints, actions);
}

function continuedCommands({ ledger, events, actions, nowMs }: Episode) {
  const commands: Command[] = [];
  let nextId = ledger.nextId;
  let firstIndex = -1;
  for (const [index, event] of events.entries()) {
    const step = continuation(ledger, { event, actions, nextId, nowMs });
    commands.push(...step.commands);
    if (step.ids > 0 && firstIndex < 0) firstIndex = index;
    nextId += step.ids;
  }
  return { commands, nextId, firstIndex };
}

/** Timers that were created in an earlier episode and have been cancelled since. */
function cancelledTimerIds({ ledger, actions }: Episode): number[] {
  const ids: number[] = [];
  for (const [taskId, task] of ledger.open) {
    const isUserTimer =
      task.createdBy === EventType.TimerCreated &&
      task.attempt === undefined &&
      task.pollUrl === undefined;
    if (isUserTimer && actionAt(actions, task.path)?.isCanceled) ids.push(taskId);
  }
  return ids;
}
