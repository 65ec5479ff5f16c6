import { action, byId, element, setRows } from "./elements.ts";
import { amount, clockTime, duration, percent } from "./formats.ts";
import type { BackendStatus, RecentRequest, Status } from "./status-types.ts";

/** Shows what is no chart: the words at the top, and the tables. */
export function showStatus(status: Status, onReceipt: (requestId: string) => Promise<void>): void {
  showState(status);
  setRows(byId("backends"), status.backends.map(backendRow), "No backends.");
  setRows(byId("gates"), status.gates.map(gateRow), "No lanes on this instance.");
  const total = status.traffic.users.reduce((sum, { tokens }) => sum + tokens, 0);
  const users = status.traffic.users.map(({ user, requests, tokens }) => [
    user,
    share(total > 0 ? tokens / total : 0),
    amount(tokens),
    amount(requests),
  ]);
  setRows(byId("users"), users, "Nobody has been here lately.");
  const recent = status.traffic.recent.map((request) => requestRow(request, onReceipt));
  setRows(byId("requests"), recent, "No request has ended yet.");
}

function showState(status: Status): void {
  const { slots, waiting, awaitingReplies } = status;
  const state = byId("state");
  state.className = status.isReady ? "good" : "bad";
  state.textContent = status.isReady ? "Ready" : status.readinessProblems.join(", ");
  byId("slots").textContent = `${slots.running} of ${slots.total}`;
  byId("waiting").textContent = `${waiting.total} (oldest ${duration(waiting.oldestWaitMs)})`;
  byId("replies").textContent = String(awaitingReplies);
  byId("at").textContent = clockTime(status.at);
}

function backendRow(backend: BackendStatus) {
  const { label, tier, isHealthy, breaker, inFlight, latencyMs, failureRate } = backend;
  return [
    label,
    String(tier),
    mark(isHealthy, isHealthy ? "healthy" : "unhealthy"),
    mark(breaker === "closed", breaker),
    String(inFlight),
    duration(latencyMs),
    percent(failureRate * 100),
    backend.throttledForMs > 0 ? `for ${duration(backend.throttledForMs)}` : "–",
  ];
}

function gateRow({ lane, capacity, running, waiting }: Status["gates"][number]) {
  return [lane, String(running), String(capacity), String(waiting)];
}

function requestRow(request: RecentRequest, onReceipt: (requestId: string) => Promise<void>) {
  const { requestId, user, priority, status, code, attempts, backend } = request;
  return [
    clockTime(request.endedAt),
    user ?? "–",
    String(priority ?? "–"),
    mark((status ?? 0) < 500, [status ?? "–", code ?? ""].join(" ").trim()),
    backend ?? "–",
    String(attempts),
    duration(request.waitMs),
    duration(request.totalMs),
    amount(request.tokens),
    action("Receipt", `Decision receipt of ${requestId}`, () => onReceipt(requestId)),
  ];
}

/** A word that is good or bad: never by its colour alone. */
function mark(isGood: boolean, text: string): HTMLElement {
  return element("span", { class: isGood ? "good" : "bad" }, text);
}

function share(part: number): HTMLElement {
  const text = percent(part * 100);
  return element(
    "span",
    { class: "share" },
    element("meter", { min: "0", max: "1", value: part.toFixed(3), "aria-hidden": "true" }),
    text,
  );
}
