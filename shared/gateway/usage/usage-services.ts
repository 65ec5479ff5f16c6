import type { Settings, StorageConnection } from "../../config/index.ts";
import type { Clock } from "../../core/clock.ts";
import type { NewId, Random } from "../../core/domain.ts";
import { UsageLedger, UsageOutbox } from "../../ledger/index.ts";
import { MessageQueue, Table } from "../../storage/index.ts";
import { type Emit, usageDropped, usageUnsent } from "../../telemetry/index.ts";
import { TokenCounter } from "../../tokens/index.ts";
import { UsageWishes } from "../calls/usage-wishes.ts";
import { UsageBacklog } from "./usage-backlog.ts";
import { UsageJournal } from "./usage-journal.ts";

/** What noting, counting and telling of use needs. Scope: per instance. */
export interface UsageServices {
  readonly journal: UsageJournal;
  readonly wishes: UsageWishes;
  /** Events on their way to the ledger; absent without storage. */
  readonly outbox: UsageOutbox | undefined;
  readonly ledger: UsageLedger | undefined;
  /** How late the ledger is; absent without storage. */
  readonly backlog: Pick<UsageBacklog, "oldestAgeMs"> | undefined;
  /** The queue of what is to be counted, and the one of what cannot be; absent without storage. */
  readonly queue: UsageQueue | undefined;
  readonly poison: UsageQueue | undefined;
  /** Counts the tokens that nobody told; absent where the settings do not want that. */
  readonly counter: TokenCounter | undefined;
}

interface UsageMeans {
  readonly settings: Settings;
  readonly storage: StorageConnection | undefined;
  readonly newId: NewId;
  readonly random: Random;
  readonly clock: Clock;
  readonly emit: Emit;
}

/** A storage queue as the ledger uses it. */
export type UsageQueue = Pick<MessageQueue, "send" | "peek" | "receive" | "giveBack" | "remove">;

/** The queue that brings usage events to the ledger, and the ledger's table. */
export const USAGE_QUEUE = "gateway-usage";
// As the platform names it for messages that failed too often.
const POISON_QUEUE = `${USAGE_QUEUE}-poison`;
const USAGE_TABLE = "gatewayUsage";

/** Makes what noting use needs; nothing of it connects before its first use. */
export function openUsage({ settings, storage, ...means }: UsageMeans): UsageServices {
  const { random, clock, emit, newId } = means;
  const queue = storage && new MessageQueue(storage, USAGE_QUEUE);
  const outbox =
    queue &&
    new UsageOutbox({
      send: (message) => queue.send(message),
      clock,
      newId,
      onProblem: (error) => emit(usageUnsent(error)),
      onDropped: (events) => emit(usageDropped(events)),
    });
  const counter = settings.usage.isEstimated ? new TokenCounter(clock) : undefined;
  const ledger =
    storage && new UsageLedger({ table: new Table(storage, USAGE_TABLE), clock, random });
  return {
    journal: new UsageJournal({ ...means, outbox, counter }),
    counter,
    wishes: new UsageWishes(settings.usage.isWished),
    outbox,
    ledger,
    backlog: queue && outbox && new UsageBacklog({ outbox, queue, clock }),
    queue,
    poison: storage && new MessageQueue(storage, POISON_QUEUE),
  };
}
