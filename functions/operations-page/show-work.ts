import { action, element } from "./elements.ts";
import { clockTime } from "./formats.ts";
import type { GatewayClient } from "./gateway-client.ts";
import { type Cell, LiveTable } from "./live-table.ts";
import type { DeadLetter, Job } from "./status-types.ts";

const FINAL = new Set(["succeeded", "failed", "cancelled", "expired"]);
const LISTED = 50;

interface Desk {
  readonly client: GatewayClient;
  /** Says to the operator what came of an action. */
  readonly tell: (text: string) => void;
}

/** Jobs and dead letters, with what can be done about each. Scope: one page. */
export class WorkView {
  readonly #desk: Desk;
  readonly #jobs = new LiveTable("jobs", "This user has no jobs.");
  readonly #letters = new LiveTable("dead-letters", "There are no dead letters.");

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  async showJobs(owner: string): Promise<void> {
    const query = new URLSearchParams({ owner, limit: String(LISTED) });
    const { jobs } = await this.#desk.client.ask<{ jobs: readonly Job[] }>(`/jobs?${query}`);
    const again = (): Promise<void> => this.showJobs(owner);
    const rows = jobs.map((job) => ({
      key: job.id,
      cells: [
        job.id,
        job.state,
        String(job.priority),
        clockTime(job.createdAt),
        jobActions(this.#desk, job, again),
      ],
    }));
    this.#jobs.show(rows, { isAsked: true });
  }

  /** Those of all queues. */
  async showDeadLetters(isAsked = false): Promise<void> {
    const path = `/operations/dead-letters?limit=${LISTED}`;
    const { deadLetters } = await this.#desk.client.ask<{ deadLetters: readonly DeadLetter[] }>(
      path,
    );
    const again = (): Promise<void> => this.showDeadLetters(true);
    const rows = deadLetters.map((letter) => ({
      key: nameOf(letter),
      cells: [
        letter.queue,
        clockTime(letter.enqueuedAt),
        letter.user ?? "–",
        letter.reason ?? "–",
        letter.description ?? "–",
        letterActions(this.#desk, letter, again),
      ],
    }));
    this.#letters.show(rows, { isAsked });
  }
}

/** Says what came of an action, and shows what there is now. */
async function told(
  { tell }: Desk,
  { work, text, again }: { work: Promise<unknown>; text: string; again: () => Promise<void> },
): Promise<void> {
  await work.then(
    () => tell(text),
    (error: unknown) => tell(String((error as Error).message)),
  );
  await again();
}

function jobActions(desk: Desk, { id, state }: Job, again: () => Promise<void>): Cell {
  if (FINAL.has(state)) return "–";
  const { client } = desk;
  const path = `/jobs/${encodeURIComponent(id)}`;
  const cancel = () =>
    action("Cancel", `Cancel the job ${id}`, () =>
      told(desk, { work: client.ask(path, "DELETE"), text: `The job ${id} is cancelled.`, again }),
    );
  const hurry = () =>
    action("To class 1", `Move the job ${id} to class 1`, () => {
      const work = client.ask(path, "PATCH", { priority: 1 });
      return told(desk, { work, text: `The job ${id} is in class 1.`, again });
    });
  if (state !== "queued") return { text: "cancel", make: cancel };
  return {
    text: "hurry cancel",
    make: () => element("span", { class: "actions" }, hurry(), cancel()),
  };
}

const nameOf = ({ queue, sequenceNumber }: DeadLetter): string => `${sequenceNumber} of ${queue}`;

function letterActions(desk: Desk, letter: DeadLetter, again: () => Promise<void>): Cell {
  const { queue, sequenceNumber } = letter;
  const path = `/operations/dead-letters/${encodeURIComponent(queue)}/${sequenceNumber}`;
  const name = nameOf(letter);
  const redrive = () =>
    action("Send again", `Send the dead letter ${name} again`, () => {
      const work = desk.client.ask(`${path}/redrive`, "POST");
      return told(desk, { work, text: `The letter ${name} is in its queue again.`, again });
    });
  const discard = () =>
    action("Discard", `Discard the dead letter ${name}`, async () => {
      if (!confirm(`Discard the dead letter ${name} for good?`)) return;
      const work = desk.client.ask(path, "DELETE");
      await told(desk, { work, text: `The letter ${name} is gone.`, again });
    });
  return { text: name, make: () => element("span", { class: "actions" }, redrive(), discard()) };
}
