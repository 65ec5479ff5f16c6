import { createHash } from "node:crypto";
import type { HeaderList } from "../core/headers.ts";
import type { MessageBody } from "../messaging/index.ts";
import { fromLongText, type Table, toLongText } from "../storage/index.ts";

/** One caller's use of one idempotency key. */
export interface KeyUse {
  readonly userId: string;
  readonly key: string;
  /** Stands for method, target and body: the same key with another one is a mistake. */
  readonly fingerprint: string;
  /** Epoch milliseconds until which the request may be running. */
  readonly expiresAt: number;
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
  | { readonly kind: "running" }
  | { readonly kind: "answered"; readonly answer: KeptAnswer };

interface ClaimRow {
  readonly fingerprint: string;
  readonly claimedAt: number;
  readonly expiresAt: number;
}

const KEPT_MS = 24 * 3_600_000;
const ANSWER_SUFFIX = "-answer";

// Hashes, because keys and user ids may hold what a row's key may not, and need not be readable here.
const hash = (text: string): string => createHash("sha256").update(text).digest("hex");

/** Where a key's rows are. */
const rowKeys = ({ userId, key }: KeyUse): { partitionKey: string; rowKey: string } => ({
  partitionKey: hash(userId),
  rowKey: hash(key),
});

/** Which request holds which key, and what was answered. What it holds is global. */
export class IdempotencyStore {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  /** Takes the key for this request, or tells what became of the request that has it. */
  async claim(use: KeyUse, nowMs: number): Promise<Claim> {
    const { partitionKey, rowKey } = rowKeys(use);
    const { fingerprint, expiresAt } = use;
    const row = {
      partitionKey,
      rowKey,
      ...toLongText({ fingerprint, claimedAt: nowMs, expiresAt }),
    };
    // Twice at most: once past a claim that is over, whose removal only one of several achieves.
    for (let tries = 0; tries < 2; tries++) {
      if (await this.#table.insert(row)) return { kind: "mine" };
      const standing = await this.#table.get(partitionKey, rowKey);
      if (!standing) continue;
      const claim = fromLongText<ClaimRow>(standing);
      const answer = await this.#answer(use);
      const isOver = nowMs > claim.claimedAt + KEPT_MS || (!answer && nowMs > claim.expiresAt);
      if (!isOver) return judge(use, claim, answer);
      await this.#table.removeUnchanged(standing);
      await this.#table.remove(partitionKey, `${rowKey}${ANSWER_SUFFIX}`);
    }
    return { kind: "running" };
  }

  /** Keeps the answer for repetitions. */
  async keep(use: KeyUse, answer: KeptAnswer): Promise<void> {
    const { partitionKey, rowKey } = rowKeys(use);
    await this.#table.upsert({
      partitionKey,
      rowKey: `${rowKey}${ANSWER_SUFFIX}`,
      ...toLongText(answer),
    });
  }

  /** Gives the key back: nothing was answered that a repetition should get. */
  async release(use: KeyUse): Promise<void> {
    const { partitionKey, rowKey } = rowKeys(use);
    await this.#table.remove(partitionKey, rowKey);
  }

  async #answer(use: KeyUse): Promise<KeptAnswer | undefined> {
    const { partitionKey, rowKey } = rowKeys(use);
    const row = await this.#table.get(partitionKey, `${rowKey}${ANSWER_SUFFIX}`);
    return row && fromLongText<KeptAnswer>(row);
  }
}

function judge(use: KeyUse, claim: ClaimRow, answer: KeptAnswer | undefined): Claim {
  if (claim.fingerprint !== use.fingerprint) return { kind: "other-request" };
  return answer ? { kind: "answered", answer } : { kind: "running" };
}
