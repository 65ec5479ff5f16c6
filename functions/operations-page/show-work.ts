import { action, byId, element, setRows } from "./elements.ts";
import { clockTime } from "./formats.ts";
import type { GatewayClient } from "./gateway-client.ts";
import type { DeadLetter, Job } from "./status-types.ts";

const FINAL = new Set(["succeeded", "failed", "cancelled", "expired"]);
const LISTED = 50;

interface Desk {
  readonly client: GatewayClient;
  /** Says to the operator what came of an action. */
  readonly tell: (text: string) => void;
}

/** The jobs of an owner, with what can be done about each. */
export async function showJobs(desk: Desk, owner: string): Promise<void> {
  const query = new URLSearchParams({ owner, limit: String(LISTED) });
  const { jobs } = await desk.client.ask<{ jobs: readonly Job[] }>(`/jobs?${query}`);
  const again = (): Promise<void> => showJobs(desk, owner);
  setRows(
    byId("jobs"),
    jobs.map((job) => [
      job.id,
      job.state,
      String(job.priority),
      clockTime(job.createdAt),
      FINAL.has(job.state) ? "–" : jobActions(desk, job, again),
    ]),
    "This user has no jobs.",
  );
}

function jobActions({ client, tell }: Desk, { id, state }: Job, again: () => Promise<void>) {
  const path = `/jobs/${encodeURIComponent(id)}`;
  const done = async (text: string, work: Promise<unknown>): Promise<void> => {
    await work.then(
      () => tell(text),
      (error: unknown) => tell(String((error as Error).message)),
    );
    await again();
  };
  const cancel = action("Cancel", `Cancel the job ${id}`, () =>
    done(`The job ${id} is cancelled.`, client.ask(path, "DELETE")),
  );
  if (state !== "queued") return cancel;
  const hurry = action("To class 1", `Move the job ${id} to class 1`, () =>
    done(`The job ${id} is in class 1.`, client.ask(path, "PATCH", { priority: 1 })),
  );
  return element("span", { class: "actions" }, hurry, cancel);
}

/** The dead letters of all queues, with what can be done about each. */
export async function showDeadLetters(desk: Desk): Promise<void> {
  const { deadLetters } = await desk.client.ask<{ deadLetters: readonly DeadLetter[] }>(
    `/operations/dead-letters?limit=${LISTED}`,
  );
  setRows(
    byId("dead-letters"),
    deadLetters.map((letter) => [
      letter.queue,
      clockTime(letter.enqueuedAt),
      letter.user ?? "–",
      letter.reason ?? "–",
      letter.description ?? "–",
      letterActions(desk, letter),
    ]),
    "There are no dead letters.",
  );
}

function letterActions(desk: Desk, { queue, sequenceNumber }: DeadLetter): HTMLElement {
  const path = `/operations/dead-letters/${encodeURIComponent(queue)}/${sequenceNumber}`;
  const done = async (text: string, work: Promise<unknown>): Promise<void> => {
    await work.then(
      () => desk.tell(text),
      (error: unknown) => desk.tell(String((error as Error).message)),
    );
    await showDeadLetters(desk);
  };
  const name = `${sequenceNumber} of ${queue}`;
  return element(
    "span",
    { class: "actions" },
    action("Send again", `Send the dead letter ${name} again`, () =>
      done(`The letter ${name} is in its queue again.`, desk.client.ask(`${path}/redrive`, "POST")),
    ),
    action("Discard", `Discard the dead letter ${name}`, async () => {
      if (!confirm(`Discard the dead letter ${name} for good?`)) return;
      await done(`The letter ${name} is gone.`, desk.client.ask(path, "DELETE"));
    }),
  );
}
