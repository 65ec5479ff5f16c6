import { gauge, type MetricDefinition } from "./metric-definition.ts";
import { ATTRIBUTES as A } from "./names.ts";

/** How an instance, and what it knows of, stands when somebody looks. */
export const GAUGES = {
  queueDepth: gauge("simplel7proxy.queue.depth", ["{request}", "Requests that wait for a slot."], {
    attributes: [A.priority],
  }),
  oldestWait: gauge("simplel7proxy.queue.oldest_wait", ["s", "The longest wait there is now."], {
    attributes: [A.priority],
  }),
  waitingUsers: gauge("simplel7proxy.fair_share.users", ["{user}", "Users with work here."], {
    attributes: [],
  }),
  slots: gauge("simplel7proxy.slots", ["{slot}", "The instance's slots, taken and free."], {
    attributes: [A.state],
  }),
  awaitedReplies: gauge(
    "simplel7proxy.replies.awaited",
    ["{request}", "Requests held here while a worker serves them, somewhere."],
    { attributes: [] },
  ),
  laneMessages: gauge("simplel7proxy.lane.messages", ["{message}", "Messages at a lane's gate."], {
    attributes: [A.lane, A.state],
  }),
  uncountedAge: gauge(
    "simplel7proxy.ledger.uncounted_age",
    ["s", "For how long the oldest note of use has waited to be counted, as who serves sees it."],
    { attributes: [] },
  ),
  breaker: gauge(
    "simplel7proxy.backend.breaker",
    ["1", "0 closed, 1 half-open, 2 open: nothing is sent to the backend."],
    { attributes: [A.backend] },
  ),
  isHealthy: gauge("simplel7proxy.backend.healthy", ["1", "1 while its probes succeed, else 0."], {
    attributes: [A.backend],
  }),
  inFlight: gauge("simplel7proxy.backend.in_flight", ["{attempt}", "Calls under way."], {
    attributes: [A.backend],
  }),
  utilization: gauge(
    "simplel7proxy.backend.utilization",
    ["1", "The part of its provisioned throughput (PTU) that it says is in use, 0 to 1 and above."],
    { attributes: [A.backend] },
  ),
  restLine: gauge(
    "simplel7proxy.backend.rest_line",
    ["{request}", "Requests that wait until a backend has rested."],
    { attributes: [A.backend] },
  ),
  throttledFor: gauge(
    "simplel7proxy.backend.throttled_for",
    ["s", "For how long it asked to be left alone."],
    { attributes: [A.backend] },
  ),
} as const satisfies Record<string, MetricDefinition>;
