import { describe, expect, it } from "vitest";
import { historyEvent } from "../../../local/durable/history-events.ts";
import { type Action, ActionType } from "../../../local/durable/planner/actions.ts";
import { emptyLedger, enterEvents, type Ledger } from "../../../local/durable/planner/ledger.ts";
import { plan } from "../../../local/durable/planner/plan.ts";

const NOW = Date.UTC(2026, 0, 1);

const activity = (functionName: string): Action => ({
  actionType: ActionType.CallActivity,
  functionName,
});
const retried = (functionName: string, maxNumberOfAttempts: number | null = 3): Action => ({
  actionType: ActionType.CallActivityWithRetry,
  functionName,
  retryOptions: {
    firstRetryIntervalInMilliseconds: 1_000,
    maxNumberOfAttempts,
    backoffCoefficient: 2,
    maxRetryIntervalInMilliseconds: 3_000,
  },
});
const timer = (isCanceled = false): Action => ({
  actionType: ActionType.CreateTimer,
  fireAt: new Date(NOW + 60_000).toISOString(),
  isCanceled,
});
const event = (externalEventName: string): Action => ({
  actionType: ActionType.WaitForExternalEvent,
  externalEventName,
});
const any = (...compoundActions: Action[]): Action => ({
  actionType: ActionType.WhenAny,
  compoundActions,
});

const completed = (id: number) =>
  historyEvent("TaskCompleted", NOW, { TaskScheduledId: id, Result: "1" });
const failed = (id: number) =>
  historyEvent("TaskFailed", NOW, { TaskScheduledId: id, Reason: "", Details: "" });
const fired = (id: number) => historyEvent("TimerFired", NOW, { TimerId: id, FireAt: "" });

/** Plans an episode that must be plain, and enters it into the ledger as the engine would. */
function play(ledger: Ledger, actions: Action[], events = [historyEvent("EventRaised", NOW)]) {
  const planned = plan({ ledger, events, actions, nowMs: NOW });
  if (planned.outcome !== "planned") throw new Error(JSON.stringify(planned));
  const created = planned.commands.map(({ type, taskId, source }) =>
    historyEvent(type === "timer" ? "TimerCreated" : "TaskScheduled", NOW, {
      EventId: taskId,
      Source: source,
    }),
  );
  const end = historyEvent("OrchestratorCompleted", NOW, {
    Actions: planned.fingerprints,
    NextId: planned.nextId,
  });
  enterEvents(ledger, [...events, ...created, end]);
  return planned;
}

const brief = (planned: ReturnType<typeof play>) =>
  planned.commands.map(({ type, taskId }) => `${type} ${taskId}`);

describe("the planner", () => {
  it("counts depth first through compound actions and gives events no id", () => {
    const actions = [any(activity("a"), event("go"), any(timer(), activity("b"))), activity("c")];
    expect(brief(play(emptyLedger(), actions))).toEqual([
      "activity 0",
      "timer 1",
      "activity 2",
      "activity 3",
    ]);
  });

  it("waits after every failed attempt, the last one included, with a capped backoff", () => {
    const ledger = emptyLedger();
    const actions = [retried("flaky")];
    const delays: number[] = [];
    expect(brief(play(ledger, actions))).toEqual(["activity 0"]);
    for (const id of [0, 2, 4]) {
      const [wait] = play(ledger, actions, [failed(id)]).commands;
      expect(wait).toMatchObject({ type: "timer", taskId: id + 1 });
      if (wait?.type === "timer") delays.push(wait.fireAt - NOW);
      const next = brief(play(ledger, actions, [fired(id + 1)]));
      expect(next).toEqual(id === 4 ? [] : [`activity ${id + 2}`]);
    }
    expect(delays).toEqual([1_000, 2_000, 3_000]);
  });

  it("retries for ever when told so: JSON turns Infinity into null", () => {
    const ledger = emptyLedger();
    const actions = [retried("flaky", null)];
    play(ledger, actions);
    play(ledger, actions, [failed(0)]);
    expect(brief(play(ledger, actions, [fired(1)]))).toEqual(["activity 2"]);
  });

  it("gives a retry its id before what the orchestrator asks for next", () => {
    const ledger = emptyLedger();
    play(ledger, [any(retried("flaky"), event("go"))]);
    const actions = [any(retried("flaky"), event("go")), activity("next")];
    expect(brief(play(ledger, actions, [failed(0)]))).toEqual(["timer 1", "activity 2"]);
  });

  it("asks for fewer events when retries and new actions may have interleaved", () => {
    const ledger = emptyLedger();
    play(ledger, [any(retried("flaky"), activity("quick"))]);
    const actions = [any(retried("flaky"), activity("quick")), activity("next")];
    const episode = { ledger, actions, nowMs: NOW };
    expect(plan({ ...episode, events: [completed(1), failed(0)] })).toEqual({
      outcome: "ambiguous",
      eventsToDeliver: 1,
    });
    expect(plan({ ...episode, events: [failed(0), completed(1)] })).toEqual({
      outcome: "ambiguous",
      eventsToDeliver: 1,
    });
  });

  it("takes many retries at once when nothing new was asked for", () => {
    const ledger = emptyLedger();
    const actions = [any(retried("a"), retried("b"), retried("c"))];
    play(ledger, actions);
    const planned = play(ledger, actions, [failed(2), failed(0), failed(1)]);
    expect(brief(planned)).toEqual(["timer 3", "timer 4", "timer 5"]);
    expect(planned.commands.map(({ source }) => source.path)).toEqual(["0.2", "0.0", "0.1"]);
  });

  it("cancels a timer that was created earlier, and never arms one cancelled at once", () => {
    const ledger = emptyLedger();
    expect(play(ledger, [any(timer(), event("go"))]).commands).toMatchObject([
      { type: "timer", isCanceled: false },
    ]);
    const later = play(ledger, [any(timer(true), event("go")), timer(true)]);
    expect(later.cancelledTimerIds).toEqual([0]);
    expect(later.commands).toMatchObject([{ type: "timer", taskId: 1, isCanceled: true }]);
  });

  it.each([
    ["another name", [activity("b")], /action 1 was "CallActivity a".*"CallActivity b"/],
    ["another type", [timer()], /"CallActivity a".*"CreateTimer"/],
    ["fewer actions", [], /"CallActivity a".*"nothing"/],
  ])("finds an orchestrator that asks for %s on replay", (_, actions, message) => {
    const ledger = emptyLedger();
    play(ledger, [activity("a")]);
    const result = plan({ ledger, events: [completed(0)], actions, nowMs: NOW });
    expect(result).toMatchObject({ outcome: "refused", reason: expect.stringMatching(message) });
  });

  it("sees a change deep inside a wide fan-out", () => {
    const fanOut = (last: string) => [
      any(...Array.from({ length: 200 }, () => activity("same")), activity(last)),
    ];
    const ledger = emptyLedger();
    play(ledger, fanOut("a"));
    const result = plan({ ledger, events: [completed(0)], actions: fanOut("b"), nowMs: NOW });
    expect(result).toMatchObject({ outcome: "refused" });
  });

  it.each([
    ["a numeric event name", event("12"), /"12" is a number/],
    ["entity locks", { actionType: ActionType.LockEntities }, /entity locks/],
    ["an action it does not know", { actionType: 99 }, /action type 99/],
    ["a timer without a date", { actionType: ActionType.CreateTimer }, /invalid date/],
  ])("refuses %s by name", (_, action, message) => {
    const result = plan({ ledger: emptyLedger(), events: [], actions: [action], nowMs: NOW });
    expect(result).toMatchObject({ outcome: "refused", reason: expect.stringMatching(message) });
  });

  it("polls an HTTP call that was accepted: a timer, then the next request with the id after it", () => {
    const ledger = emptyLedger();
    const httpRequest = {
      method: "POST",
      uri: "http://a.example/start",
      asynchronousPatternEnabled: true,
    };
    const actions = [{ actionType: ActionType.CallHttp, httpRequest }];
    play(ledger, actions);
    const headers = { Location: "/status", "Retry-After": "5" };
    const accepted = { ...completed(0), Result: JSON.stringify({ statusCode: 202, headers }) };
    const wait = play(ledger, actions, [accepted]);
    expect(wait.commands).toMatchObject([{ type: "timer", taskId: 1, fireAt: NOW + 5_000 }]);
    expect(wait.nextId).toBe(3);
    expect(play(ledger, actions, [fired(1)]).commands).toMatchObject([
      { type: "http", taskId: 2, request: { method: "GET", uri: "http://a.example/status" } },
    ]);
  });
});
