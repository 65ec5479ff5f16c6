import { createHash } from "node:crypto";
import type { HeaderList } from "../../core/headers.ts";
import type { MessageBody } from "../../messaging/index.ts";
import { fromLongText, type Row, type Table, toLongText } from "../../storage/index.ts";

/** One caller's use of one idempotency key. */
export interface KeyUse {
  readonly userId: string;
  readonly key: string;
  /** Stands for method, target and body: the same key with another one is a mistake. */
  readonly fingerprint: string;
  /** Which of the requests that come with the key this is. */
  readonly holder: string;
  readonly job?: ClaimedJob;
}

/** The job that a request is to become at once: whoever comes with the key again makes the same one. */
export interface ClaimedJob {
  readonly id: string;
  /** When the first request for it came, in epoch milliseconds. */
  readonly receivedAt: number;
}

/** An answer as it is kept for the repetitions of its request. */
export interface KeptAnswer {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body?: MessageBody;
}

/** What a key says of a request that comes with it. */
export type Claim =
  | { readonly kind: "mine" }
  | { readonly kind: "other-request" }
  /** The job is one that the request is about to become, or has become without a word to its client. */
  | { readonly kind: "running"; readonly job?: ClaimedJob; readonly isSilent: boolean }
  | { readonly kind: "answered"; readonly answer: KeptAnswer };

interface ClaimRow {
  readonly fingerprint: string;
  /** Absent in rows of versions that did not renew their claims. */
  readonly holder?: string;
  readonly claimedAt: number;
  /** Until then the request that has the key is taken to run; it puts this off for as long as it does. */
  readonly expiresAt: number;
  readonly job?: ClaimedJob;
}

export interface IdempotencyStoreOptions {
  readonly table: Table;
  /** How long a key counts from its first use, in milliseconds. */
  readonly keptMs: number;
  /** Removes what of an answer is kept outside the table. */
  discard(body: MessageBody | undefined): Promise<void>;
}

/** How far a sweep goes; the rest is for the next one. */
export interface SweepLimits {
  readonly nowMs: number;
  readonly atMost: number;
  readonly signal: AbortSignal;
}

/** An answer in its row. */
interface AnswerRow extends KeptAnswer {
  readonly fingerprint?: string;
}

/**
 * How long a request that has a key counts as running after its last word. Several times the interval of
 * its renewal, so that neither a pause of its process nor clocks that differ by seconds look like its end.
 */
export const LEASE_MS = 15_000;

const HOUR_MS = 3_600_000;
const ANSWER_SUFFIX = "-answer";
// What is due is listed by the hour, in as many partitions as a hash has first digits: one alone would
// take two thousand new keys a second at most.
// https://learn.microsoft.com/azure/storage/tables/scalability-targets
const SHARDS = [..."0123456789abcdef"];
const HOUR_DIGITS = 10;

const hourKey = (hour: number): string => String(hour).padStart(HOUR_DIGITS, "0");

interface RowKeys {
  readonly partitionKey: string;
  readonly rowKey: string;
}

// Hashes, because keys and user ids may hold what a row's key may not, and need not be readable here.
const hash = (text: string): string => createHash("sha256").update(text).digest("hex");

/** Where a key's rows are. */
const rowKeys = ({ userId, key }: KeyUse): RowKeys => ({
  partitionKey: hash(userId),
  rowKey: hash(key),
});

/** Which request holds which key, and what was answered. What it holds is global. */
export class IdempotencyStore {
  readonly #table: Table;
  readonly #keptMs: number;
  readonly #discard: IdempotencyStoreOptions["discard"];

  constructor({ table, keptMs, discard }: IdempotencyStoreOptions) {
    this.#table = table;
    this.#keptMs = keptMs;
    this.#discard = discard;
  }

  /** Takes the key for this request, or tells what became of the request that has it. */
  async claim(use: KeyUse, nowMs: number): Promise<Claim> {
    const { partitionKey, rowKey } = rowKeys(use);
    const { fingerprint, holder, job } = use;
    const claimed: ClaimRow = {
      fingerprint,
      holder,
      claimedAt: nowMs,
      expiresAt: nowMs + LEASE_MS,
      ...(job ? { job } : {}),
    };
    const row = { partitionKey, rowKey, ...toLongText({ ...claimed }) };
    // Twice at most: once past a claim that is over, whose removal only one of several achieves.
    for (let tries = 0; tries < 2; tries++) {
      if (await this.#table.insert(row)) {
        // A claim that is on no list stays for ever, or until its key comes again: not worth a failure.
        await this.#list({ partitionKey, rowKey }, nowMs).catch(() => {});
        return { kind: "mine" };
      }
      const standing = await this.#table.get(partitionKey, rowKey);
      if (!standing) continue;
      const claim = fromLongText<ClaimRow>(standing);
      const answer = await this.#answer({ partitionKey, rowKey });
      // A job outlives the request that asked for it: its claim never ends before its time.
      const isSilent = !answer && nowMs > claim.expiresAt;
      const isOver = this.#isDue(claim, nowMs) || (isSilent && !claim.job);
      if (!isOver) {
        return judge(use, claim, { isSilent, answer: answer && fromLongText<AnswerRow>(answer) });
      }
      await this.#remove(standing, answer);
    }
    return { kind: "running", isSilent: false };
  }

  /** Says that the request that has the key still runs; false when the key is another's by now. */
  async renew(use: KeyUse, nowMs: number): Promise<boolean> {
    const held = await this.#held(use);
    if (!held) return false;
    const claim: ClaimRow = { ...fromLongText<ClaimRow>(held), expiresAt: nowMs + LEASE_MS };
    const row = { ...rowKeys(use), ...toLongText({ ...claim }) };
    return this.#table.transact([{ kind: "replace", row, etag: String(held["etag"]) }]);
  }

  /** Keeps the answer for repetitions. */
  async keep(use: KeyUse, answer: KeptAnswer): Promise<void> {
    const { partitionKey, rowKey } = rowKeys(use);
    await this.#table.upsert({
      partitionKey,
      rowKey: `${rowKey}${ANSWER_SUFFIX}`,
      ...toLongText({ ...answer, fingerprint: use.fingerprint }),
    });
  }

  /** Gives the key back, if it still is this request's: nothing was answered that a repetition should get. */
  async release(use: KeyUse): Promise<void> {
    const held = await this.#held(use);
    if (held) await this.#table.removeUnchanged(held);
  }

  /**
   * Removes keys that count no more, with their answers, and returns how many. Any number of instances
   * may sweep at once: each removal is of what was read, or of nothing.
   */
  async sweep({ nowMs, atMost, signal }: SweepLimits): Promise<number> {
    const range = {
      from: hourKey(0),
      before: hourKey(Math.floor(nowMs / HOUR_MS) + 1),
      atMost: Math.ceil(atMost / SHARDS.length),
    };
    const removed = await Promise.all(
      SHARDS.map(async (shard) => {
        let count = 0;
        for (const listed of await this.#table.readRange(`due-${shard}`, range)) {
          if (signal.aborted) break;
          if (await this.#settle(listed, nowMs)) count += 1;
        }
        return count;
      }),
    );
    return removed.reduce((sum, count) => sum + count, 0);
  }

  /** Ends what a list has: removed when it is due, listed again when that changed, gone already else. */
  async #settle(listed: Row, nowMs: number): Promise<boolean> {
    const [, partitionKey = "", rowKey = ""] = (listed.rowKey ?? "").split("-");
    const standing = await this.#table.get(partitionKey, rowKey);
    const claim = standing && fromLongText<ClaimRow>(standing);
    const isDue = claim !== undefined && this.#isDue(claim, nowMs);
    if (standing && isDue) {
      await this.#remove(standing, await this.#answer({ partitionKey, rowKey }));
    } else if (claim) {
      await this.#list({ partitionKey, rowKey }, claim.claimedAt);
    }
    await this.#table.removeUnchanged(listed);
    return isDue;
  }

  /** The claim as it stands, if it is this request's. */
  async #held(use: KeyUse): Promise<Row | undefined> {
    const { partitionKey, rowKey } = rowKeys(use);
    const standing = await this.#table.get(partitionKey, rowKey);
    return standing && fromLongText<ClaimRow>(standing).holder === use.holder
      ? standing
      : undefined;
  }

  #isDue({ claimedAt }: ClaimRow, nowMs: number): boolean {
    return nowMs >= claimedAt + this.#keptMs;
  }

  /** Takes down when a claim is due, by the hour. */
  #list({ partitionKey, rowKey }: RowKeys, claimedAt: number): Promise<void> {
    const dueHour = hourKey(Math.ceil((claimedAt + this.#keptMs) / HOUR_MS));
    return this.#table.upsert({
      partitionKey: `due-${rowKey.charAt(0)}`,
      rowKey: `${dueHour}-${partitionKey}-${rowKey}`,
    });
  }

  #answer({ partitionKey, rowKey }: RowKeys): Promise<Row | undefined> {
    return this.#table.get(partitionKey, `${rowKey}${ANSWER_SUFFIX}`);
  }

  /** Rows as they were read: what somebody else has put in their place stays. */
  async #remove(claim: Row, answer: Row | undefined): Promise<void> {
    // The claim last: a sweep that breaks off in between finds it again.
    if (answer) {
      await this.#table.removeUnchanged(answer);
      await this.#discard(fromLongText<KeptAnswer>(answer).body).catch(() => {});
    }
    await this.#table.removeUnchanged(claim);
  }
}

interface Standing {
  readonly answer: AnswerRow | undefined;
  readonly isSilent: boolean;
}

function judge(use: KeyUse, claim: ClaimRow, { answer, isSilent }: Standing): Claim {
  if (claim.fingerprint !== use.fingerprint) return { kind: "other-request" };
  const { job } = claim;
  // Nor is another request's answer this one's, whoever was so late to keep it.
  if (!answer || (answer.fingerprint ?? use.fingerprint) !== use.fingerprint) {
    return { kind: "running", isSilent, ...(job ? { job } : {}) };
  }
  const { fingerprint: _, ...kept } = answer;
  return { kind: "answered", answer: kept };
}
