import { GatewayError } from "../core/errors.ts";

/** The reason with which every wait for an answer ends when the time to live is over. */
export const ttlExpired = (): GatewayError =>
  new GatewayError("ttl-expired", "The request's time to live ended before an answer was there.");

/** Whether work ended, or was refused, because the time to live is over. */
export const isTtlExpired = (reason: unknown): boolean =>
  reason instanceof GatewayError && reason.code === "ttl-expired";

/** Whether it is the caller who ended the work: by leaving, or by the time that they gave it. */
export const isCallersEnd = (reason: unknown): boolean =>
  isTtlExpired(reason) || (reason instanceof GatewayError && reason.code === "client-closed");

/** The reason with which work for a job ends that has ended already. */
export class JobEndedError extends Error {
  override readonly name: string = "JobEndedError";
}

/** The reason with which a run ends whose job was moved to another lane: the job goes on there. */
export class JobMovedError extends JobEndedError {
  override readonly name = "JobMovedError";
}
