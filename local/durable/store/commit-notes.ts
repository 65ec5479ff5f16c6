/** What a commit has changed, so that whoever has work to do can be woken. Scope: one commit. */
export class CommitNotes {
  /** Instances that got a message. */
  readonly instances = new Set<string>();
  /** Entities that got a message. */
  readonly entities = new Set<string>();
  /** Instances that reached their end. */
  readonly ended = new Set<string>();
  hasWork = false;
  /** When the earliest of the new timers is due. */
  timerDueAt = Number.POSITIVE_INFINITY;
}
