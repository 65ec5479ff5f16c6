import { GatewayError } from "../core/errors.ts";

/** The reason with which every wait for an answer ends when the time to live is over. */
export const ttlExpired = (): GatewayError =>
  new GatewayError("ttl-expired", "The request's time to live ended before an answer was there.");

/** Whether it is the caller who ended the work: by leaving, or by the time that they gave it. */
export const isCallersEnd = (reason: unknown): boolean =>
  reason instanceof GatewayError && ["client-closed", "ttl-expired"].includes(reason.code);

/** The reason with which work for a job ends that has ended already. */
export class JobEndedError extends Error {
  override readonly name: string = "JobEndedError";
}

/** The reason with which a run ends whose job was moved to another lane: the job goes on there. */
export class JobMovedError extends JobEndedError {
  override readonly name = "JobMovedError";
}
