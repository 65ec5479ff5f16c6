import type { DurableFunctions } from "../../../local/durable/contract.ts";
import { EventType, type HistoryEvent } from "../../../local/durable/history-events.ts";
import { type Action, ActionType } from "../../../local/durable/planner/actions.ts";

/** An episode as a fake orchestrator sees it. */
export interface FakeEpisode {
  history: HistoryEvent[];
  input: unknown;
  /** Timestamp of the execution's first OrchestratorStarted. */
  startedAt: number;
  /** Whether an event of this type is in the history. */
  has(type: keyof typeof EventType): boolean;
}

/** What a fake orchestrator asks for; `output` ends it. */
export interface FakeState {
  actions: Action[];
  output?: unknown;
}

interface Fakes {
  orchestrators?: Record<string, (episode: FakeEpisode) => FakeState | Promise<FakeState>>;
  activities?: Record<string, (input: unknown) => unknown>;
  entities?: Record<string, (input: string) => string>;
}

/** Functions without an SDK. */
export function fakeFunctions(fakes: Fakes): DurableFunctions {
  const { orchestrators = {}, activities = {}, entities = {} } = fakes;
  return {
    orchestrators: new Set(Object.keys(orchestrators)),
    activities: new Set(Object.keys(activities)),
    entities: new Set(Object.keys(entities)),
    async invokeOrchestrator(name, trigger) {
      const state = await orchestrators[name]?.(episodeOf(trigger));
      const { actions = [], ...end } = state ?? {};
      return JSON.stringify({ isDone: "output" in end, actions: [actions], ...end });
    },
    async invokeActivity(name, _instanceId, input) {
      const result = await activities[name]?.(input === undefined ? undefined : JSON.parse(input));
      return JSON.stringify(result);
    },
    invokeEntity: async (name, input) => entities[name]?.(input) ?? "{}",
  };
}

function episodeOf(trigger: string): FakeEpisode {
  const { history, input } = JSON.parse(trigger) as { history: HistoryEvent[]; input: unknown };
  const startedAt = Date.parse(history[0]?.Timestamp ?? "");
  const has: FakeEpisode["has"] = (type) =>
    history.some(({ EventType: eventType }) => eventType === EventType[type]);
  return { history, input, startedAt, has };
}

/** The action of `callActivity`; like the SDK it encodes strings, and only those. */
export function callActivity(functionName: string, input?: unknown): Action {
  const encoded = typeof input === "string" ? JSON.stringify(input) : input;
  return { actionType: ActionType.CallActivity, functionName, input: encoded };
}

/** The action of `createTimer`. */
export function createTimer(fireAt: number): Action {
  return {
    actionType: ActionType.CreateTimer,
    fireAt: new Date(fireAt).toISOString(),
    isCanceled: false,
  };
}
