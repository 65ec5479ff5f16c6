import { hasEnded, type InstanceRow } from "../store/instance-table.ts";
import { closeInstance } from "./end-instance.ts";
import type { EngineContext } from "./engine-context.ts";
import { append, chunkText, ExecutionCache } from "./execution-cache.ts";
import { isExpected, type Letter, type Mail, sortMail } from "./mail.ts";
import { playEpisode } from "./play-episode.ts";
import { writeEpisode } from "./write-episode.ts";

// Bounds the memory of one episode; what is left waits for the next.
const MAX_MESSAGES_PER_EPISODE = 1_000;

/** Takes instances further, one episode at a time. Scope: one engine. */
export class Episodes {
  readonly #context: EngineContext;
  readonly #executions: ExecutionCache;

  constructor(context: EngineContext) {
    this.#context = context;
    this.#executions = new ExecutionCache(context.store);
  }

  /** Heeds the messages that wait for an instance; resolves with true when some are left. */
  async run(instanceId: string): Promise<boolean> {
    const { store } = this.#context;
    const messages = store.messages.read(instanceId, MAX_MESSAGES_PER_EPISODE);
    if (messages.length === 0) return false;
    const row = store.instances.get(instanceId);
    if (!row || hasEnded(row.status)) {
      // Only what was read: by now a new instance may have taken the id, and got its first message.
      await store.commit(() => store.messages.delete(messages));
      return messages.length === MAX_MESSAGES_PER_EPISODE;
    }
    const mail = sortMail(row, messages);
    if (mail.termination) {
      await this.#terminate(row, mail);
      return false;
    }
    if (mail.isSuspended) return this.#hold(row, mail);
    const isCut = await this.#play(row, mail);
    return isCut || messages.length === MAX_MESSAGES_PER_EPISODE;
  }

  async #terminate(row: InstanceRow, mail: Mail): Promise<void> {
    const { store, clock } = this.#context;
    const output = mail.termination?.Input ?? "null";
    const text = chunkText(mail.control.map(({ event }) => event));
    this.#executions.forget(row.instanceId);
    await store.commit(() => {
      const status = "Terminated";
      const ended = { ...row, status, output, updatedAt: clock.now() } as const;
      store.instances.appendHistory(row.instanceId, row.chunks, text);
      store.instances.put({ ...ended, chunks: row.chunks + 1 });
      closeInstance(store, ended, { status, output });
    });
  }

  /** Suspended: heeds the control messages and leaves all others where they are. */
  async #hold(row: InstanceRow, mail: Mail): Promise<boolean> {
    const { store, clock } = this.#context;
    if (mail.control.length === 0 && mail.stale.length === 0) return false;
    const events = mail.control.map(({ event }) => event);
    const text = chunkText(events);
    const execution = this.#executions.take(row);
    await store.commit(() => {
      store.messages.delete([...mail.stale, ...mail.control.map(({ message }) => message)]);
      if (events.length === 0) return;
      store.instances.appendHistory(row.instanceId, row.chunks, text);
      const changed = { status: "Suspended", updatedAt: clock.now() } as const;
      store.instances.put({ ...row, ...changed, chunks: row.chunks + 1 });
    });
    if (events.length > 0) append(execution, events, text);
    this.#executions.put(row.instanceId, execution);
    return true;
  }

  async #play(row: InstanceRow, mail: Mail): Promise<boolean> {
    const { store, clock } = this.#context;
    const execution = this.#executions.take(row);
    const expected: Letter[] = [...mail.control];
    const unexpected: Letter[] = [];
    for (const letter of mail.letters) {
      (isExpected(execution.ledger, letter.event) ? expected : unexpected).push(letter);
    }
    const nowMs = clock.now();
    const played = await playEpisode(this.#context, { row, execution, letters: expected, nowMs });
    const { letters, answer, planned } = played;
    const read = [...unexpected, ...letters].map(({ message }) => message);
    const written = await store.commit(() =>
      writeEpisode(store, {
        ...planned,
        row,
        nowMs,
        consumed: [...mail.stale, ...read],
        events: letters.map(({ event }) => event),
        customStatus: answer.customStatus,
        end: answer.end,
      }),
    );
    if (written.goesOn) {
      append(execution, written.events, written.text);
      for (const taskId of planned.cancelledTimerIds) execution.ledger.open.delete(taskId);
      this.#executions.put(row.instanceId, execution);
    }
    return letters.length < expected.length;
  }
}
