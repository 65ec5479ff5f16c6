import type { Calls } from "./chaos-backend.ts";
import type { ToldEvent } from "./read-bus.ts";
import type { SeenEnd } from "./read-end.ts";
import type { SentJob } from "./send-job.ts";

/** All that is known of one job when the run is over. */
export interface JobFacts {
  readonly sent: SentJob;
  readonly end: SeenEnd | undefined;
  readonly told: readonly ToldEvent[];
  readonly calls: Calls | undefined;
}

/** What was promised of a job and is not so; empty for most. */
export function findViolations(facts: JobFacts): string[] {
  const { sent } = facts;
  if (sent.refusals.length > 0) return [`was refused: ${sent.refusals[0]}`];
  if (sent.locations.length === 0) return ["was never answered 202"];
  return [...whoItIs(facts), ...howItEnded(facts), ...whatWasTold(facts), ...whatWasCalled(facts)];
}

function whoItIs({ sent: { locations } }: JobFacts): string[] {
  const places = new Set(locations);
  return places.size === 1 ? [] : [`became ${places.size} jobs: ${[...places].join(", ")}`];
}

function howItEnded({ sent: { plan }, end }: JobFacts): string[] {
  if (!end) return ["was lost: it has no final state"];
  const { status, body } = plan.answer;
  const state = status < 400 ? "succeeded" : "failed";
  if (end.view.state !== state) {
    return [`ended ${end.view.state} instead of ${state} (${JSON.stringify(end.view.error)})`];
  }
  if (end.resultStatus !== status) return [`has a result of ${end.resultStatus}, not ${status}`];
  return end.resultBody.equals(body)
    ? []
    : [`has a result of ${end.resultBody.byteLength} other bytes than the backend's`];
}

function whatWasTold({ end, told }: JobFacts): string[] {
  if (!end) return [];
  const violations: string[] = [];
  const numbers = told.map(({ sequence }) => sequence);
  if (numbers.some((number, index) => number !== index + 1)) {
    violations.push(`was told with the numbers ${numbers.join(", ")}`);
  }
  const finals = told.filter(({ isFinal }) => isFinal).length;
  if (finals !== 1) violations.push(`was told to have ended ${finals} times`);
  if (told.at(-1)?.isFinal !== true) violations.push("was told something after its end");
  return violations;
}

function whatWasCalled({ end, calls }: JobFacts): string[] {
  if (!end) return [];
  if (!calls || calls.answered === 0) return ["ended without an answer of a backend"];
  return calls.altered > 0 ? [`reached a backend with another body ${calls.altered} times`] : [];
}
