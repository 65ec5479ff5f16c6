import { action, byId, element, say } from "./elements.ts";
import { amount, clockTime, duration, percent } from "./formats.ts";
import { type Cell, type LiveRow, LiveTable } from "./live-table.ts";
import type { BackendStatus, RecentRequest, Status, UserTraffic } from "./status-types.ts";

// More than fit on a screen: what is older is looked for in the telemetry.
const SHOWN_REQUESTS = 25;

type OnReceipt = (requestId: string) => Promise<void>;

/** Shows what is no chart: the words at the top, and the tables. Scope: one page. */
export class StatusView {
  readonly #onReceipt: OnReceipt;
  readonly #backends = new LiveTable("backends", "No backends.");
  readonly #gates = new LiveTable("gates", "No lanes on this instance.");
  readonly #users = new LiveTable("users", "Nobody has been here lately.");
  readonly #requests = new LiveTable("requests", "No request has ended yet.");

  constructor(onReceipt: OnReceipt) {
    this.#onReceipt = onReceipt;
  }

  /** What a brief status does not tell stays as it was. */
  show(status: Status): void {
    const { users, recent } = status.traffic;
    showState(status);
    this.#backends.show(status.backends.map(backendRow));
    this.#gates.show(status.gates.map(gateRow));
    if (recent) {
      const shown = recent.slice(0, SHOWN_REQUESTS);
      this.#requests.show(shown.map((each) => requestRow(each, this.#onReceipt)));
    }
    if (!users) return;
    const total = users.reduce((sum, { tokens }) => sum + tokens, 0);
    this.#users.show(users.map((user) => userRow(user, total)));
  }
}

/** Says how the instance is, or that nobody knows. */
export function sayState(text: string, isGood: boolean): void {
  const state = byId("state");
  const quality = isGood ? "good" : "bad";
  if (state.className !== quality) state.className = quality;
  say(state, text);
}

function showState(status: Status): void {
  const { slots, waiting, awaitingReplies, isReady, readinessProblems } = status;
  sayState(isReady ? "Ready" : readinessProblems.join(", "), isReady);
  say(byId("slots"), `${slots.running} of ${slots.total}`);
  say(byId("waiting"), `${waiting.total} (oldest ${duration(waiting.oldestWaitMs)})`);
  say(byId("replies"), String(awaitingReplies));
  say(byId("at"), clockTime(status.at));
}

function backendRow(backend: BackendStatus): LiveRow {
  const { label, tier, isHealthy, breaker, inFlight, maxInFlight, utilization } = backend;
  const cells = [
    label,
    String(tier),
    mark(isHealthy, isHealthy ? "healthy" : "unhealthy"),
    mark(breaker === "closed", breaker),
    maxInFlight === null ? String(inFlight) : `${inFlight} of ${maxInFlight}`,
    utilization === null ? "–" : share(Math.min(1, utilization), percent(utilization * 100)),
    duration(backend.latencyMs),
    percent(backend.failureRate * 100),
    backend.throttledForMs > 0 ? `for ${duration(backend.throttledForMs)}` : "–",
  ];
  return { key: label, cells };
}

function gateRow({ lane, capacity, running, waiting }: Status["gates"][number]): LiveRow {
  return { key: lane, cells: [lane, String(running), String(capacity), String(waiting)] };
}

function userRow({ user, requests, tokens }: UserTraffic, total: number): LiveRow {
  const cells = [user, share(total > 0 ? tokens / total : 0), amount(tokens), amount(requests)];
  return { key: user, cells };
}

function requestRow(request: RecentRequest, onReceipt: OnReceipt): LiveRow {
  const { requestId, user, priority, status, code, attempts, backend } = request;
  const cells = [
    clockTime(request.endedAt),
    user ?? "–",
    String(priority ?? "–"),
    mark((status ?? 0) < 400, [status ?? "–", code ?? ""].join(" ").trim()),
    backend ?? "–",
    String(attempts),
    duration(request.waitMs),
    duration(request.totalMs),
    amount(request.tokens),
    {
      text: requestId,
      make: () => action("Receipt", `Decision receipt of ${requestId}`, () => onReceipt(requestId)),
    },
  ];
  return { key: requestId, cells };
}

/** A word that is good or bad: never by its colour alone. */
function mark(isGood: boolean, text: string): Cell {
  return { text, make: () => element("span", { class: isGood ? "good" : "bad" }, text) };
}

function share(part: number, text = percent(part * 100)): Cell {
  return {
    text,
    make() {
      const bar = element("span", { class: "bar", "aria-hidden": "true" });
      bar.style.setProperty("--part", part.toFixed(3));
      return element("span", { class: "share" }, bar, text);
    },
  };
}
