import { EventType, type HistoryEvent } from "../../../local/durable/history-events.ts";
import type { EpisodeWatcher } from "../../support/durable-app.ts";

interface SdkTask {
  actionObj?: { functionName?: string; fireAt?: Date; operation?: string };
}

interface SdkContext {
  taskOrchestratorExecutor: {
    sequenceNumber: number;
    openTasks: Record<string, SdkTask>;
  };
}

interface Trigger {
  instanceId: string;
  history: HistoryEvent[];
}

/** What is open after an episode: task id -> what the task is. */
type OpenTasks = Record<string, string>;

interface Count {
  nextId: number;
  open: OpenTasks;
}

/**
 * Compares the ids that the engine wrote into the history with the SDK's private counters at the end
 * of the episode before. Scope: one test.
 */
export class IdOracle {
  readonly mismatches: string[] = [];
  episodes = 0;
  /** Episodes that were run again, with fewer events, because their ids were ambiguous. */
  reruns = 0;
  readonly #counts = new Map<string, Count>();
  #milestone = { episodes: 0, reached: () => {} };

  get watcher(): EpisodeWatcher {
    return {
      before: (text) => this.#compare(JSON.parse(text) as Trigger),
      after: (text, context) => this.#record(JSON.parse(text) as Trigger, context.df as SdkContext),
    };
  }

  /** Resolves in the very turn in which so many episodes have run. */
  reaches(episodes: number): Promise<void> {
    return new Promise((resolve) => {
      this.#milestone = { episodes, reached: resolve };
    });
  }

  #record(trigger: Trigger, df: SdkContext): void {
    const { sequenceNumber, openTasks } = df.taskOrchestratorExecutor;
    const open: OpenTasks = {};
    for (const [id, task] of Object.entries(openTasks)) {
      // Entity calls are answered by request id, not by task id.
      if (/^\d+$/.test(id) && task.actionObj?.operation === undefined) open[id] = nameOf(task);
    }
    const key = keyOf(trigger, played(trigger).length);
    this.episodes += 1;
    if (this.#counts.has(key)) this.reruns += 1;
    this.#counts.set(key, { nextId: sequenceNumber, open });
    if (this.episodes >= this.#milestone.episodes) this.#milestone.reached();
  }

  #compare(trigger: Trigger): void {
    const past = played(trigger);
    const last = past.findLast(({ EventType: type }) => type === EventType.OrchestratorCompleted);
    if (!last) return;
    const before = past.findLastIndex(
      ({ EventType: type }) => type === EventType.OrchestratorStarted,
    );
    const expected = this.#counts.get(keyOf(trigger, before));
    const actual = { nextId: last.NextId ?? -1, open: openIn(past) };
    if (!expected || !agree(expected, actual)) {
      const sides = `SDK ${JSON.stringify(expected)}, engine ${JSON.stringify(actual)}`;
      this.mismatches.push(`${trigger.instanceId}: ${sides}`);
    }
  }
}

function keyOf({ instanceId, history }: Trigger, playedEvents: number): string {
  const start = history.find(({ EventType: type }) => type === EventType.ExecutionStarted);
  return `${instanceId} ${start?.OrchestrationInstance?.ExecutionId} ${playedEvents}`;
}

function played({ history }: Trigger): HistoryEvent[] {
  return history.filter(({ IsPlayed }) => IsPlayed);
}

function openIn(events: readonly HistoryEvent[]): OpenTasks {
  const open: OpenTasks = {};
  for (const event of events) {
    const type = event.EventType;
    if (type === EventType.TaskScheduled || type === EventType.SubOrchestrationInstanceCreated) {
      open[event.EventId] = event.Name ?? "";
    }
    if (type === EventType.TimerCreated) open[event.EventId] = event.FireAt ?? "";
    const ended = event.TimerId ?? event.TaskScheduledId;
    if (ended !== undefined) delete open[ended];
  }
  return open;
}

/** The SDK's placeholders for retries know no name. */
const nameOf = ({ actionObj }: SdkTask): string =>
  actionObj?.functionName ?? actionObj?.fireAt?.toISOString() ?? "";

function agree(expected: Count, actual: Count): boolean {
  const ids = Object.keys(expected.open);
  return (
    expected.nextId === actual.nextId &&
    ids.length === Object.keys(actual.open).length &&
    ids.every(
      (id) => id in actual.open && (expected.open[id] || actual.open[id]) === actual.open[id],
    )
  );
}
