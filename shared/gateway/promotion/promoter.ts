import type { Promotion } from "../../admission/index.ts";
import type { JobEngine } from "../../jobs/index.ts";
import type { JobServices, WaitingRoom } from "../services.ts";

/** What it takes to make a job of a request while its caller waits. */
export interface Promoter {
  readonly jobs: JobServices;
  readonly room: WaitingRoom;
  readonly engine: JobEngine;
  readonly promotion: Promotion;
}
