// What the page reads of the gateway's answers. Its own words for them: code of the gateway is not for
// browsers. A test does not compile where the two differ.

export interface BucketCounts {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
}

export interface ClassStatus {
  readonly priority: number;
  readonly waiting: number;
  readonly running: number;
  readonly oldestWaitMs: number;
}

export interface BackendStatus {
  readonly label: string;
  readonly tier: number;
  readonly isHealthy: boolean;
  readonly breaker: string;
  readonly inFlight: number;
  readonly maxInFlight: number | null;
  readonly utilization: number | null;
  readonly latencyMs: number | null;
  readonly failureRate: number;
  readonly throttledForMs: number;
}

export interface RecentRequest {
  readonly requestId: string;
  readonly endedAt: string;
  readonly user?: string;
  readonly priority?: number;
  readonly status?: number;
  readonly code?: string;
  readonly attempts: number;
  readonly backend?: string;
  readonly waitMs: number;
  readonly totalMs: number;
  readonly model?: string;
  readonly tokens?: number;
}

export interface Traffic {
  readonly requests: number;
  readonly failed: number;
  readonly refused: number;
  readonly attempts: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly waitMs: BucketCounts;
  readonly firstByteMs: BucketCounts;
  /** Absent, as are the requests, from a brief status. */
  readonly users?: readonly UserTraffic[];
  readonly recent?: readonly RecentRequest[];
}

export interface UserTraffic {
  readonly user: string;
  readonly requests: number;
  readonly tokens: number;
}

export interface Status {
  readonly at: string;
  readonly isReady: boolean;
  readonly readinessProblems: readonly string[];
  readonly slots: { readonly total: number; readonly running: number; readonly free: number };
  readonly waiting: {
    readonly total: number;
    readonly users: number;
    readonly oldestWaitMs: number;
    readonly classes: readonly ClassStatus[];
  };
  readonly awaitingReplies: number;
  readonly gates: readonly {
    readonly lane: string;
    readonly capacity: number;
    readonly running: number;
    readonly waiting: number;
  }[];
  readonly backends: readonly BackendStatus[];
  readonly traffic: Traffic;
}

export interface Job {
  readonly id: string;
  readonly state: string;
  readonly createdAt: string;
  readonly priority: number;
}

export interface DeadLetter {
  readonly queue: string;
  readonly sequenceNumber: string;
  readonly enqueuedAt: string;
  readonly reason?: string;
  readonly description?: string;
  readonly user?: string;
  readonly id?: string;
}
