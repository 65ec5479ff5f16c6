import { Chart, type Line } from "./chart.ts";
import { byId } from "./elements.ts";
import { amount, duration, percent } from "./formats.ts";
import { GatewayClient, Refusal } from "./gateway-client.ts";
import { History, type Sample } from "./history.ts";
import { StatusView, sayState } from "./show-status.ts";
import { WorkView } from "./show-work.ts";
import type { Status } from "./status-types.ts";

const LETTERS_INTERVAL_MS = 15_000;
// Lists are asked for and shown once a second, however often somebody looks; timers are a little early at times.
const LISTS_INTERVAL_MS = 900;
const REFUSED = new Set([401, 403]);

const client = new GatewayClient();
const history = new History();
const statusView = new StatusView(showReceipt);
const work = new WorkView({ client, tell });
const charts = {
  waiting: new Chart(byId("chart-waiting"), amount),
  wait: new Chart(byId("chart-wait"), duration),
  slots: new Chart(byId("chart-slots"), amount),
  throughput: new Chart(byId("chart-throughput"), amount),
  tokens: new Chart(byId("chart-tokens"), amount),
  firstByte: new Chart(byId("chart-first-byte"), duration),
  errors: new Chart(byId("chart-errors"), percent),
};
let isAsking = false;
let timer: ReturnType<typeof setInterval> | undefined;
let lettersAt = 0;
let listsAt = Number.NEGATIVE_INFINITY;

function tell(text: string): void {
  byId("told").textContent = text;
}

function draw(): void {
  const { samples } = history;
  const lines = (
    ...named: readonly (readonly [string, (sample: Sample) => number | undefined])[]
  ) => named.map(([name, of]): Line => ({ name, values: samples.map(of) }));
  const byClass = (of: (sample: Sample) => ReadonlyMap<string, number>): readonly Line[] => {
    const names = new Set(samples.flatMap((sample) => [...of(sample).keys()]));
    return [...names]
      .sort()
      .map((name) => ({ name, values: samples.map((sample) => of(sample).get(name)) }));
  };
  charts.waiting.draw(byClass(({ waiting }) => waiting));
  charts.wait.draw(byClass(({ oldestWaitMs }) => oldestWaitMs));
  charts.slots.draw(lines(["running", ({ running }) => running], ["all", ({ slots }) => slots]));
  charts.throughput.draw(lines(["requests/s", (each) => each.requestsPerSecond]));
  charts.tokens.draw(lines(["tokens/s", (each) => each.tokensPerSecond]));
  charts.firstByte.draw(
    lines(["half", (each) => each.firstByteP50Ms], ["95 of 100", (each) => each.firstByteP95Ms]),
  );
  charts.errors.draw(
    lines(["failed", (each) => each.failedPercent], ["retried", (each) => each.retriedPercent]),
  );
}

async function look(): Promise<void> {
  // One at a time: a gateway that is slow to answer is not asked more often for it.
  if (isAsking || document.hidden || !client.hasProof) return;
  isAsking = true;
  try {
    const status = await askStatus();
    statusView.show(status);
    if (history.push(status)) draw();
    if (!byId("trouble").hidden) byId("trouble").hidden = true;
    if (Date.now() - lettersAt > LETTERS_INTERVAL_MS) await lookAtLetters();
  } catch (error) {
    trouble(error);
  } finally {
    isAsking = false;
  }
}

async function askStatus(): Promise<Status> {
  const now = performance.now();
  if (now - listsAt < LISTS_INTERVAL_MS) return client.ask("/operations/status?brief=true");
  listsAt = now;
  return client.ask("/operations/status");
}

async function lookAtLetters(): Promise<void> {
  lettersAt = Date.now();
  // An app without queues has none.
  await work.showDeadLetters().catch((error: unknown) => {
    if (!(error instanceof Refusal && error.status === 501)) throw error;
  });
}

function trouble(error: unknown): void {
  const text = error instanceof Refusal ? error.message : "The gateway does not answer.";
  byId("trouble").hidden = false;
  byId("trouble").textContent = text;
  // What else is shown is how it was.
  sayState("No answer", false);
  listsAt = Number.NEGATIVE_INFINITY;
  if (!(error instanceof Refusal && REFUSED.has(error.status))) return;
  client.use("");
  byId("entry").hidden = false;
}

async function showReceipt(requestId: string): Promise<void> {
  const dialog = byId("receipt") as HTMLDialogElement;
  const path = `/operations/requests/${encodeURIComponent(requestId)}`;
  const text = await client.ask<object>(path).then(
    (receipt) => JSON.stringify(receipt, undefined, 2),
    (error: unknown) => String((error as Error).message),
  );
  byId("receipt-of").textContent = requestId;
  const field = byId("receipt-text") as HTMLTextAreaElement;
  field.value = text;
  dialog.showModal();
  field.setSelectionRange(0, 0);
  field.scrollTop = 0;
}

function setPace(): void {
  const perSecond = Number((byId("pace") as HTMLSelectElement).value);
  clearInterval(timer);
  timer = setInterval(() => void look(), 1000 / perSecond);
}

byId("entry").hidden = client.hasProof;
byId("entry").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = byId("proof") as HTMLInputElement;
  client.use(field.value);
  field.value = "";
  byId("entry").hidden = client.hasProof;
  void look();
});
byId("owner-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const owner = (byId("owner") as HTMLInputElement).value.trim();
  void work.showJobs(owner).catch((error: unknown) => tell(String((error as Error).message)));
});
byId("pace").addEventListener("change", setPace);
byId("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const isDark = getComputedStyle(root).colorScheme === "dark";
  root.dataset["theme"] = isDark ? "light" : "dark";
});
setPace();
void look();
