import type { JobEngine } from "../../jobs/index.ts";
import type { RequestEnvelope } from "../../messaging/index.ts";
import type { RouteTrip } from "../calls/route-trip.ts";
import type { JobServices, Services, WaitingRoom } from "../services.ts";

/** What running a message needs. Scope: per invocation. */
export interface LaneRun {
  readonly services: Services;
  readonly room: WaitingRoom;
  readonly jobs: JobServices;
  readonly engine: JobEngine;
  readonly envelope: RequestEnvelope;
  readonly deliveryCount: number;
  /** The request's way to a backend, with what earlier messages for it made of it. */
  readonly trip: RouteTrip;
}
